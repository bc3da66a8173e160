//! Nothing can depend on what compiled code does not call.

#[jitdriver::not_in_trace]
fn count(counts: &mut [u64]) -> u64 {
    counts[0] += 1;
    counts[0]
}

fn main() {}
