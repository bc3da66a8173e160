//! How large the machine code of a loop's lap is.
//!
//! Cranelift tells where the basic blocks of a function are and which leads to which. The lap are the blocks
//! from which the way leads back to where a block jumps back to: exits are not among them, nor what comes
//! before the loop. Its instructions are counted by disassembling those blocks.

use cranelift_codegen::CompiledCode;
use metainterp::backend::LapCode;
use rustc_hash::{FxHashMap, FxHashSet};

/// The lap of a function that is a loop; nothing if it has none, or there is no disassembler.
pub(crate) fn of(code: &CompiledCode, count: impl Fn(&[u8]) -> Option<usize>) -> Option<LapCode> {
    let bytes = code.buffer.data();
    let mut lap = LapCode { instructions: 0, bytes: 0 };
    for block in blocks(&code.bb_starts, &code.bb_edges, bytes.len() as u32) {
        let block = &bytes[block.start as usize..block.end as usize];
        lap.instructions += count(block)? as u32;
        lap.bytes += block.len() as u32;
    }
    (0 < lap.bytes).then_some(lap)
}

/// Where the blocks of loops are, from the starts of all blocks, and the edges between them.
fn blocks(starts: &[u32], edges: &[(u32, u32)], end: u32) -> Vec<std::ops::Range<u32>> {
    let mut before: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for &(from, to) in edges {
        before.entry(to).or_default().push(from);
    }
    let mut in_lap = FxHashSet::default();
    // Traces are laid out in the order of their operations, so only laps jump back.
    for &(last, first) in edges.iter().filter(|(from, to)| to <= from) {
        let mut open = vec![last];
        while let Some(block) = open.pop() {
            if in_lap.insert(block) && block != first {
                open.extend(before.get(&block).into_iter().flatten());
            }
        }
    }
    let ends = starts.iter().skip(1).copied().chain([end]);
    let blocks = starts.iter().zip(ends).map(|(&start, end)| start..end);
    blocks.filter(|block| in_lap.contains(&block.start)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_and_entries_are_not_in_the_lap() {
        // Block 0 enters the loop of 10 and 20, which leaves to 30 and to 40.
        let edges = [(0, 10), (10, 20), (10, 30), (20, 10), (20, 40)];
        assert_eq!(blocks(&[0, 10, 20, 30, 40], &edges, 50), [10..20, 20..30]);
        assert_eq!(blocks(&[0, 10, 20], &[(0, 10), (10, 20)], 30), []);
        // A loop of one block.
        assert_eq!(blocks(&[0, 10, 20], &[(0, 10), (10, 20), (20, 20)], 30), vec![20..30; 1]);
    }
}
