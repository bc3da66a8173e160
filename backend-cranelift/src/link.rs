//! Relocations: the places in fresh machine code that depend on where it and its targets lie.

use crate::lower::Helper;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::LibCall;
use metainterp::backend::Refusal;

/// What a relocation points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A function of the program.
    Helper(Helper),
    /// A function that Cranelift's own code calls where the machine lacks an instruction.
    LibCall(LibCall),
}

/// A place to fill in.
#[derive(Debug, Clone)]
pub(crate) struct Relocation {
    pub offset: usize,
    pub kind: Reloc,
    pub target: Target,
    pub addend: i64,
}

impl Relocation {
    /// Whether the target must be near, so that a far one needs a thunk.
    pub fn is_near(&self) -> bool {
        self.kind != Reloc::Abs8
    }

    /// Fills the place in: `code` will execute at `base`, and the target is at `target`.
    pub fn apply(&self, code: &mut [u8], base: u64, target: u64) -> Result<(), Refusal> {
        let target = target.wrapping_add_signed(self.addend);
        let distance = target.wrapping_sub(base + self.offset as u64) as i64;
        let place = &mut code[self.offset..];
        match self.kind {
            Reloc::Abs8 => place[..8].copy_from_slice(&target.to_le_bytes()),
            Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
                let distance = i32::try_from(distance).map_err(|_| self.too_far(distance))?;
                place[..4].copy_from_slice(&distance.to_le_bytes());
            }
            Reloc::Arm64Call => {
                arm64_call(place, distance).ok_or_else(|| self.too_far(distance))?
            }
            kind => return Err(Refusal::new(format!("relocation {kind:?} is not supported"))),
        }
        Ok(())
    }

    fn too_far(&self, distance: i64) -> Refusal {
        Refusal::new(format!("{:?} is {distance} bytes away", self.target))
    }
}

/// Sets the 26-bit word offset of a `b` or `bl`.
fn arm64_call(place: &mut [u8], distance: i64) -> Option<()> {
    const REACH: i64 = 1 << 27;
    if !(-REACH..REACH).contains(&distance) || distance % 4 != 0 {
        return None;
    }
    let word: [u8; 4] = place[..4].try_into().ok()?;
    let offset = (distance >> 2) as u32 & 0x03ff_ffff;
    let word = u32::from_le_bytes(word) & !0x03ff_ffff | offset;
    place[..4].copy_from_slice(&word.to_le_bytes());
    Some(())
}

/// Bytes of a thunk.
pub(crate) const THUNK_SIZE: usize = 16;

/// A jump to anywhere, to be put where near calls reach it.
pub(crate) fn thunk(target: u64) -> [u8; THUNK_SIZE] {
    let mut code = [0; THUNK_SIZE];
    let jump: [u8; 8] = if cfg!(target_arch = "aarch64") {
        // ldr x16, .+8; br x16
        [0x50, 0x00, 0x00, 0x58, 0x00, 0x02, 0x1f, 0xd6]
    } else {
        // jmp [rip + 2]; ud2
        [0xff, 0x25, 0x02, 0x00, 0x00, 0x00, 0x0f, 0x0b]
    };
    code[..8].copy_from_slice(&jump);
    code[8..].copy_from_slice(&target.to_le_bytes());
    code
}

/// The address of a library function.
pub(crate) fn libcall(libcall: LibCall) -> Option<u64> {
    let function: extern "C" fn(f64) -> f64 = match libcall {
        LibCall::FloorF64 => floor,
        LibCall::CeilF64 => ceil,
        LibCall::TruncF64 => trunc,
        _ => return libcall_f32(libcall),
    };
    Some(function as usize as u64)
}

fn libcall_f32(libcall: LibCall) -> Option<u64> {
    let function: extern "C" fn(f32) -> f32 = match libcall {
        LibCall::FloorF32 => floor_f32,
        LibCall::CeilF32 => ceil_f32,
        LibCall::TruncF32 => trunc_f32,
        _ => return None,
    };
    Some(function as usize as u64)
}

extern "C" fn floor(x: f64) -> f64 {
    x.floor()
}

extern "C" fn ceil(x: f64) -> f64 {
    x.ceil()
}

extern "C" fn trunc(x: f64) -> f64 {
    x.trunc()
}

extern "C" fn floor_f32(x: f32) -> f32 {
    x.floor()
}

extern "C" fn ceil_f32(x: f32) -> f32 {
    x.ceil()
}

extern "C" fn trunc_f32(x: f32) -> f32 {
    x.trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relocation(kind: Reloc, addend: i64) -> Relocation {
        Relocation { offset: 4, kind, target: Target::LibCall(LibCall::FloorF64), addend }
    }

    #[test]
    fn x86_calls_count_from_the_end_of_the_instruction() {
        let mut code = [0; 8];
        relocation(Reloc::X86CallPCRel4, -4).apply(&mut code, 0x1000, 0x1000).unwrap();
        assert_eq!(code[4..], (-8_i32).to_le_bytes());
        let far = relocation(Reloc::X86CallPCRel4, -4).apply(&mut code, 0x1000, 1 << 40);
        assert!(far.is_err());
    }

    #[test]
    fn arm64_calls_count_words() {
        let mut code = [0, 0, 0, 0, 0, 0, 0, 0x94];
        relocation(Reloc::Arm64Call, 0).apply(&mut code, 0x1000, 0x0ffc).unwrap();
        assert_eq!(u32::from_le_bytes(code[4..].try_into().unwrap()), 0x97ff_fffe);
        assert!(relocation(Reloc::Arm64Call, 0).apply(&mut code, 0, 1 << 28).is_err());
    }

    #[test]
    fn unknown_kinds_are_refused() {
        assert!(relocation(Reloc::X86GOTPCRel4, 0).apply(&mut [0; 8], 0, 0).is_err());
    }
}
