//! The conformance suite on the Cranelift backend.
#![cfg(feature = "cranelift")]

use backend_cranelift::CraneliftBackend;

jit_tests::backend_tests!(CraneliftBackend::new());
