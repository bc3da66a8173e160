//! The Cranelift backend: the conformance suite, and random traces against llgraph.
#![cfg(feature = "cranelift")]

use backend_cranelift::CraneliftBackend;
use backend_llgraph::LlgraphBackend;
use jit_tests::random;

jit_tests::backend_tests!(CraneliftBackend::new());

#[test]
fn random_traces_as_in_llgraph() {
    let summary = random::compare_backends(&|| Box::new(LlgraphBackend::new()), &|| {
        Box::new(CraneliftBackend::new())
    });
    assert!(summary.bridges > 0, "{summary:?}");
    println!("{summary:?}");
}
