//! The conformance suite on llgraph.

use backend_llgraph::LlgraphBackend;

jit_tests::backend_tests!(LlgraphBackend::new());
