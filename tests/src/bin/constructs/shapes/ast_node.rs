//! An AST node as position.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::sync::LazyLock;

enum Node {
    Const(i64),
    Var,
    Add(Box<Node>, Box<Node>),
    Less(Box<Node>, Box<Node>),
    Assign(Box<Node>),
    While(Box<Node>, Box<Node>),
}

static PROGRAM: LazyLock<Node> = LazyLock::new(|| {
    let variable = || Box::new(Node::Var);
    let constant = |n| Box::new(Node::Const(n));
    let sum = Box::new(Node::Add(variable(), constant(3)));
    Node::While(Box::new(Node::Less(variable(), constant(300))), Box::new(Node::Assign(sum)))
});

#[jit]
fn eval(node: &Node, variable: &mut i64) -> i64 {
    match node {
        Node::Const(n) => *n,
        Node::Var => *variable,
        Node::Add(a, b) => eval(a, variable) + eval(b, variable),
        Node::Less(a, b) => (eval(a, variable) < eval(b, variable)) as i64,
        Node::Assign(value) => {
            *variable = eval(value, variable);
            *variable
        }
        Node::While(..) => unreachable!("loops are statements"),
    }
}

#[jit]
fn execute<'p>(driver: &JitDriver<'p>, node: &'p Node, variable: &mut i64) {
    let Node::While(condition, body) = node else {
        eval(node, variable);
        return;
    };
    loop {
        jit_merge_point!(driver, greens = [node], reds = [variable, condition, body]);
        if eval(condition, variable) == 0 {
            return;
        }
        eval(body, variable);
        can_enter_jit!(driver, greens = [node], reds = [variable, condition, body]);
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut variable = 0;
    execute(driver, &PROGRAM, &mut variable);
    variable
}
