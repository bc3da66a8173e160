//! Every instruction, as text: a program, and what its registers hold at the end.

use chip8::{Chip8, FONT, KeyScript, assemble, run};
use jitdriver::JitDriver;

/// What is left of a program: registers that are not zero, `i`, and how it ended.
fn state(source: &str, keys: &str) -> (String, Chip8) {
    let image = assemble(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let mut vm = Chip8::new(&image, 0).expect("the program fits");
    let keys = KeyScript::parse(keys).expect("a script");
    let end = run(&JitDriver::new(), &mut vm, &keys, 1000);
    let registers = vm.registers().iter().enumerate().filter(|(_, value)| **value != 0);
    let mut shown: Vec<String> = registers.map(|(x, value)| format!("v{x:x}={value}")).collect();
    if vm.i() != 0 {
        shown.push(format!("i={:#x}", vm.i()));
    }
    if let Err(fault) = end {
        shown.push(fault.to_string());
    }
    (shown.join(" "), vm)
}

/// Runs a program that ends by itself; a jump to itself is appended.
#[track_caller]
fn check(source: &str, expected: &str) {
    let source = format!("{source}\nend: jp end");
    assert_eq!(state(&source, "").0, expected, "{source}");
}

/// Sets registers to the values, executes one instruction.
#[track_caller]
fn check_op(v1: u8, v2: u8, instruction: &str, expected: &str) {
    check(&format!("ld v1, {v1}\nld v2, {v2}\n{instruction}"), expected);
}

#[test]
fn op_00e0_clears_the_screen() {
    let (_, vm) = state("drw v0, v1, 5\nend: jp end", "");
    assert!(vm.screen().to_string().starts_with("####."));
    let (_, vm) = state("drw v0, v1, 5\ncls\nend: jp end", "");
    assert!(!vm.screen().to_string().contains('#'));
}

#[test]
fn op_00ee_and_2nnn_return_and_call() {
    check("call sub1\nadd v0, 1\njp end\nsub1: ld v0, 7\nret", "v0=8");
    check("call sub1\njp end\nsub1: call sub2\nadd v0, 1\nret\nsub2: add v0, 10\nret", "v0=11");
}

#[test]
fn calls_nest_sixteen_deep() {
    let deep = |n: u32| {
        format!(
            "ld v1, {n}\ncall sub1\njp end\nsub1: add v0, 1\nadd v1, -1\nse v1, 0\ncall sub1\nret"
        )
    };
    check(&deep(16), "v0=16");
    check(&deep(17), "v0=16 v1=1 0x20c: more than 16 calls without return");
    check("ret", "0x200: return without call");
    check("call sub1\nsub1: ret", "0x202: return without call");
}

#[test]
fn op_0nnn_is_no_machine_code() {
    check("ld v0, 1\nsys 0x123", "v0=1 0x202: call of machine code at 0x123");
    check("dw 0", "0x200: call of machine code at 0x000");
}

#[test]
fn op_1nnn_jumps_and_halts() {
    check("jp over\nld v0, 1\nover: ld v1, 2", "v1=2");
    let (_, vm) = state("end: jp end", "");
    assert!(vm.is_halted());
    assert_eq!(vm.pc(), 0x200);
}

#[test]
fn op_3xnn_4xnn_5xy0_9xy0_skip() {
    let skip = |instruction| format!("{instruction}\nld v3, 1");
    check_op(5, 5, &skip("se v1, 5"), "v1=5 v2=5");
    check_op(5, 5, &skip("se v1, 6"), "v1=5 v2=5 v3=1");
    check_op(5, 5, &skip("sne v1, 5"), "v1=5 v2=5 v3=1");
    check_op(5, 5, &skip("sne v1, 6"), "v1=5 v2=5");
    check_op(5, 5, &skip("se v1, v2"), "v1=5 v2=5");
    check_op(5, 6, &skip("se v1, v2"), "v1=5 v2=6 v3=1");
    check_op(5, 5, &skip("sne v1, v2"), "v1=5 v2=5 v3=1");
    check_op(5, 6, &skip("sne v1, v2"), "v1=5 v2=6");
}

#[test]
fn op_6xnn_7xnn_8xy0_set_and_add() {
    check("ld va, 255", "va=255");
    check("ld va, 255\nadd va, 3", "va=2");
    check("ld vf, 1\nld v0, 200\nadd v0, 100", "v0=44 vf=1");
    check_op(5, 6, "ld v1, v2", "v1=6 v2=6");
}

#[test]
fn op_8xy1_8xy2_8xy3_are_bitwise_and_clear_the_flag() {
    check_op(0b1100, 0b1010, "ld vf, 9\nor v1, v2", "v1=14 v2=10");
    check_op(0b1100, 0b1010, "ld vf, 9\nand v1, v2", "v1=8 v2=10");
    check_op(0b1100, 0b1010, "ld vf, 9\nxor v1, v2", "v1=6 v2=10");
}

#[test]
fn op_8xy4_adds_with_carry() {
    check_op(200, 55, "add v1, v2", "v1=255 v2=55");
    check_op(200, 56, "add v1, v2", "v2=56 vf=1");
    check_op(200, 57, "ld vf, 1\nadd vf, v1", "v1=200 v2=57");
    check_op(200, 57, "ld vf, 100\nadd vf, v1", "v1=200 v2=57 vf=1");
}

#[test]
fn op_8xy5_and_8xy7_subtract_with_the_inverse_of_a_borrow() {
    check_op(7, 5, "sub v1, v2", "v1=2 v2=5 vf=1");
    check_op(5, 5, "sub v1, v2", "v2=5 vf=1");
    check_op(5, 7, "ld vf, 1\nsub v1, v2", "v1=254 v2=7");
    check_op(5, 7, "subn v1, v2", "v1=2 v2=7 vf=1");
    check_op(7, 5, "ld vf, 1\nsubn v1, v2", "v1=254 v2=5");
}

#[test]
fn op_8xy6_and_8xye_shift_the_other_register() {
    check_op(0, 0b101, "shr v1, v2", "v1=2 v2=5 vf=1");
    check_op(0, 0b100, "ld vf, 1\nshr v1, v2", "v1=2 v2=4");
    check_op(0, 0x81, "shl v1, v2", "v1=2 v2=129 vf=1");
    check_op(0, 0x41, "ld vf, 1\nshl v1, v2", "v1=130 v2=65");
    check_op(6, 0, "shr v1", "v1=3");
}

#[test]
fn the_flag_is_set_last() {
    check_op(3, 0, "ld vf, 8\nshr vf, v1", "v1=3 vf=1");
    check_op(3, 0, "ld vf, 8\nsub vf, v1", "v1=3 vf=1");
    check_op(9, 0, "ld vf, 8\nsub vf, v1", "v1=9");
}

#[test]
fn op_annn_and_fx1e_set_and_move_the_address() {
    check("ld i, 0x345", "i=0x345");
    check("ld i, 0xfff\nld v0, 2\nadd i, v0", "v0=2 i=0x1001");
}

#[test]
fn op_bnnn_jumps_by_v0() {
    check("ld v0, 4\njp v0, table\ntable: ld v1, 1\njp end\nld v1, 2\njp end", "v0=4 v1=2");
}

#[test]
fn op_cxnn_is_random_below_its_mask() {
    let (shown, vm) = state("rnd v0, 0\nrnd v1, 255\nrnd v2, 255\nrnd v3, 15\nend: jp end", "");
    let v = vm.registers();
    assert!(v[0] == 0 && v[1] != v[2] && v[3] < 16, "{shown}");
}

#[test]
fn random_bytes_take_every_value() {
    let source = "loop: rnd v0, 255\nld i, flags\nadd i, v0\nld v0, 1\nld [i], v0\n\
                  add v1, 1\nse v1, 0\njp loop\nadd v2, 1\nse v2, 16\njp loop\nend: jp end\nflags: ds 256";
    let image = assemble(source).expect("a program");
    let mut vm = Chip8::new(&image, 0).expect("it fits");
    run(&JitDriver::new(), &mut vm, &KeyScript::default(), 1_000_000).expect("no fault");
    let flags = 0x200 + image.len() - 256;
    assert_eq!(vm.ram()[flags..flags + 256], [1; 256]);
}

/// The pixels in the upper left corner.
fn corner(vm: &Chip8, width: usize, height: usize) -> Vec<String> {
    let text = vm.screen().to_string();
    text.lines().take(height).map(|line| line[..width].to_owned()).collect()
}

#[test]
fn op_dxyn_draws_by_exclusive_or() {
    let source = "ld i, s\nld v0, 1\nld v1, 1\ndrw v0, v1, 2\nld v2, vf\nadd v0, 1\ndrw v0, v1, 1\n\
                  end: jp end\ns: db 0b1110_0000, 0b1010_0000";
    let (shown, vm) = state(source, "");
    assert_eq!(shown, "v0=2 v1=1 vf=1 i=0x210");
    assert_eq!(corner(&vm, 6, 4), ["......", ".#..#.", ".#.#..", "......"]);
}

#[test]
fn op_dxyn_wraps_the_position_and_cuts_the_sprite() {
    let (_, vm) = state("ld v0, 124\nld v1, 63\nld f, v2\ndrw v0, v1, 5\nend: jp end", "");
    let text = vm.screen().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[31], format!("{}####", ".".repeat(60)));
    assert_eq!(text.matches('#').count(), 4);
}

#[test]
fn op_ex9e_and_exa1_look_at_keys() {
    let source = "ld v0, 7\nskp v0\nld v1, 1\nsknp v0\nld v2, 1\nend: jp end";
    assert_eq!(state(source, "").0, "v0=7 v1=1");
    assert_eq!(state(source, "0=7").0, "v0=7 v2=1");
    assert_eq!(state(source, "0=6").0, "v0=7 v1=1");
    let source = "ld v0, 0x17\nskp v0\nld v1, 1\nend: jp end";
    assert_eq!(state(source, "0=7").0, "v0=23");
}

#[test]
fn op_fx0a_waits_for_a_key() {
    let source = "ld v0, k\nld v1, k\nend: jp end";
    assert_eq!(state(source, "3=c 4=").0, "v0=12 v1=12");
    assert_eq!(state(source, "3=da 4=").0, "v0=10 v1=10");
    let (shown, vm) = state(source, "");
    assert_eq!((shown.as_str(), vm.pc(), vm.is_halted()), ("", 0x200, false));
}

#[test]
fn op_fx07_and_fx15_are_the_delay_timer() {
    check("ld v0, 9\nld dt, v0\nld v1, dt", "v0=9 v1=9");
    // Thirteen cycles later it has been decreased once, at the tenth.
    let wait = "add v2, 1\n".repeat(11);
    check(&format!("ld v0, 9\nld dt, v0\n{wait}ld v1, dt"), "v0=9 v1=8 v2=11");
    check("ld v0, 2\nld dt, v0\nwait: ld v1, dt\nse v1, 0\njp wait", "v0=2");
}

#[test]
fn op_fx18_is_the_sound_timer() {
    let (_, vm) = state("ld v0, 9\nld st, v0\nend: jp end", "");
    assert!(vm.is_buzzing());
    let wait = "wait: add v1, 1\nse v1, 100\njp wait";
    let (_, vm) = state(&format!("ld v0, 9\nld st, v0\n{wait}\nend: jp end"), "");
    assert!(!vm.is_buzzing());
}

#[test]
fn op_fx29_finds_the_digits() {
    for digit in 0..16 {
        let (_, vm) = state(&format!("ld v0, {digit}\nld f, v0\nend: jp end"), "");
        assert_eq!(vm.i(), digit * 5);
    }
    check("ld v0, 0xff\nld f, v0", "v0=255 i=0x4b");
    let (_, vm) = state("ld v0, 0xa\nld f, v0\ndrw v1, v1, 5\nend: jp end", "");
    assert_eq!(corner(&vm, 5, 5), ["####.", "#..#.", "####.", "#..#.", "#..#."]);
    let (_, vm) = state("end: jp end", "");
    assert_eq!(vm.ram()[..80], FONT);
}

#[test]
fn op_fx33_stores_decimal_digits() {
    for (value, digits) in
        [(0, "i=0x300"), (255, "v0=2 v1=5 v2=5 i=0x303"), (107, "v0=1 v2=7 i=0x303")]
    {
        let load = if value == 0 { "" } else { "ld v2, [i]" };
        check(&format!("ld i, 0x300\nld v0, {value}\nld b, v0\n{load}"), digits);
    }
}

#[test]
fn op_fx55_and_fx65_store_and_load_and_move_the_address() {
    let source = "ld v0, 1\nld v1, 2\nld v2, 3\nld v3, 4\nld i, 0x300\nld [i], v2\n\
                  ld v0, 0\nld v1, 0\nld v2, 0\nld i, 0x301\nld v1, [i]";
    check(source, "v0=2 v1=3 v3=4 i=0x303");
    let (_, vm) = state(&format!("{source}\nend: jp end"), "");
    assert_eq!(vm.ram()[0x300..0x304], [1, 2, 3, 0]);
}

#[test]
fn programs_can_change_themselves() {
    check("ld i, op+1\nld v0, 9\nld [i], v0\nop: ld v1, 1", "v0=9 v1=9 i=0x208");
}

#[test]
fn unknown_opcodes_are_faults() {
    for opcode in [0x5001, 0x800f, 0x8008, 0x9001, 0xe09f, 0xe0a0, 0xf000, 0xf0ff, 0xf056] {
        let expected = format!("v0=1 0x202: unknown opcode {opcode:04x}");
        check(&format!("ld v0, 1\ndw {opcode}"), &expected);
    }
}

#[test]
fn leaving_the_memory_is_a_fault() {
    check("jp 0xfff", "0xfff: the program left the memory");
    check("ld v0, 0xff\njp v0, 0xfff", "v0=255 0x10fe: the program left the memory");
    check("ld i, 0xffe\nld b, v0", "i=0xffe 0x202: no memory at 0x1000");
    check("ld i, 0xffe\nld [i], v2", "i=0xffe 0x202: no memory at 0x1000");
    check("ld i, 0xffe\nld v1, [i]", "i=0x1000");
    check("ld i, 0xfff\ndrw v0, v0, 2", "i=0xfff 0x202: no memory at 0x1000");
    check(
        "ld i, 0xfff\nld v0, 255\nadd i, v0\nld [i], v0",
        "v0=255 i=0x10fe 0x206: no memory at 0x10fe",
    );
}

#[test]
fn the_last_instruction_in_memory_is_executed() {
    let mut image = vec![0; 4096 - 0x200];
    image[..2].copy_from_slice(&[0x1f, 0xfe]);
    image[4096 - 0x200 - 2..].copy_from_slice(&[0x60, 0x07]);
    let mut vm = Chip8::new(&image, 0).expect("it just fits");
    let fault = run(&JitDriver::new(), &mut vm, &KeyScript::default(), 10).unwrap_err();
    assert_eq!(fault.to_string(), "0x1000: the program left the memory");
    assert_eq!(vm.registers()[0], 7);
}

#[test]
fn a_program_that_is_too_large_is_refused() {
    let error = Chip8::new(&[0; 3585], 0).unwrap_err().to_string();
    assert_eq!(error, "the program has 3585 bytes, the memory room for 3584");
}

#[test]
fn every_opcode_can_be_executed_without_a_panic() {
    for opcode in 0..=0xffffu16 {
        let mut vm = Chip8::new(&opcode.to_be_bytes(), 0).expect("it fits");
        let known = vm.step().is_ok();
        let expected = match opcode >> 12 {
            0 => opcode == 0x00e0,
            5 | 9 => opcode & 0xf == 0,
            8 => matches!(opcode & 0xf, 0..=7 | 0xe),
            0xe => matches!(opcode & 0xff, 0x9e | 0xa1),
            0xf => matches!(
                opcode & 0xff,
                0x07 | 0x0a | 0x15 | 0x18 | 0x1e | 0x29 | 0x33 | 0x55 | 0x65
            ),
            _ => true,
        };
        assert_eq!(known, expected, "{opcode:04x}");
    }
}
