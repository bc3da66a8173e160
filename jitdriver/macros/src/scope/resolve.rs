//! Where each local variable is declared and used, and where loops and hints stand.
//!
//! [`resolve`] walks a function and answers with tables: every local, every mention of one, every
//! loop, every hint. The tables are ordered by a clock that ticks along the source, so "used after",
//! "declared inside that loop" are comparisons of two numbers.
//!
//! Invariants
//! 1. A mention belongs to the innermost declaration in scope, as rustc resolves it: initializers
//!    do not see what they initialize, arms and closures do not leak, items in a block hide locals.
//! 2. What cannot be understood (arguments of unknown macros) mentions every local that it names.
//!    So a variable that lives is never missed; at worst one is asked for that is not needed.
//!
//! Why not ask rustc? An attribute macro sees tokens only.

use super::{Binding, Scopes, as_ident, bindings, place_root};
use crate::parse::{Hint, HintKind, parse_hint, std_macros};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use std::collections::{BTreeSet, HashMap, HashSet};
use syn::visit::Visit;
use syn::{Block, Expr, FnArg, Macro, Pat, Receiver, ReceiverKind, Signature, Stmt, Type};

/// An index into [`Names::locals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(usize);

/// A time on the clock that ticks along the source.
pub type Time = u32;

/// A parameter or a variable.
pub struct Local {
    /// Name, mutability, type.
    pub binding: Binding,
    /// When it is declared.
    pub at: Time,
}

/// A loop, from its keyword to its closing brace.
#[derive(Debug, Clone, Copy)]
pub struct LoopSpan {
    /// Before anything in it.
    pub start: Time,
    /// After everything in it.
    pub end: Time,
}

impl LoopSpan {
    /// Behind everything.
    pub const END: Time = Time::MAX;
}

/// Where a hint was found, as far as the loops around it do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In the function's own code.
    Function,
    /// In a closure or an `async` block.
    Closure,
    /// Among the arguments of another macro.
    Macro,
}

/// A hint and what its names mean where it stands.
pub struct HintSite {
    /// Which of the two.
    pub kind: HintKind,
    /// The name of the macro.
    pub span: Span,
    /// The macro call; only compared, never followed. Null for [`Home::Macro`].
    pub mac: *const Macro,
    /// The hint, or what is wrong with its arguments; none for [`Home::Macro`].
    pub hint: Option<syn::Result<Hint>>,
    /// The first attribute on it.
    pub attribute: Option<Span>,
    /// What it stands in.
    pub home: Home,
    /// The innermost loop around it.
    pub loop_span: Option<usize>,
    /// When it is passed.
    pub at: Time,
    /// The locals that the greens are or start with; `None` for a name that is no local.
    pub greens: Vec<Option<LocalId>>,
    /// The locals that the reds are.
    pub reds: Vec<Option<LocalId>>,
    /// The local that the driver is, if it is one.
    pub driver: Option<LocalId>,
}

/// An `&mut` or `&raw mut` of a place in a local.
#[derive(Debug)]
pub struct MutBorrow {
    /// The local.
    pub local: LocalId,
    /// The `&`.
    pub span: Span,
    /// When.
    pub at: Time,
}

/// What [`resolve`] found.
#[derive(Default)]
pub struct Names {
    /// Every local, in order of declaration.
    pub locals: Vec<Local>,
    /// Every mention: which local, and when. The variables that a hint lists are not mentions.
    pub mentions: Vec<(LocalId, Time)>,
    /// Every mutable borrow of a local.
    pub mut_borrows: Vec<MutBorrow>,
    /// Every loop.
    pub loops: Vec<LoopSpan>,
    /// Every hint.
    pub hints: Vec<HintSite>,
    /// Behind the parameters, before the body.
    pub body_start: Time,
    /// Names of locals whose type is written down.
    pub typed: BTreeSet<String>,
    /// The function's type parameters.
    pub type_params: BTreeSet<String>,
    /// Calls of methods that use their receiver up, by their address.
    consuming: HashSet<usize>,
    /// From when to when each expression and each `let` runs, by its address.
    spans: HashMap<usize, Interval>,
    /// Every branch of an `if` or `match`.
    branches: Vec<Branch>,
}

/// From when to when something runs.
type Interval = (Time, Time);

/// One of several pieces of code of which one runs.
#[derive(Debug, Clone, Copy)]
struct Branch {
    start: Time,
    end: Time,
    /// After the last of the pieces.
    end_of_all: Time,
}

impl Names {
    /// The local of that index.
    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0]
    }

    /// From when to when an expression or a `let` runs, if it is of the function that was resolved.
    pub fn span_of<T>(&self, node: &T) -> Option<(Time, Time)> {
        self.spans.get(&std::ptr::from_ref(node).addr()).copied()
    }

    /// Whether a call uses its receiver up, whatever the method is.
    pub fn is_consuming(&self, call: &syn::ExprMethodCall) -> bool {
        self.consuming.contains(&std::ptr::from_ref(call).addr())
    }

    /// The locals from outside that are mentioned between two times.
    pub fn free_in(&self, (start, end): (Time, Time)) -> BTreeSet<LocalId> {
        let within = self.mentions.iter().filter(|(_, at)| start < *at && *at <= end);
        within.map(|(id, _)| *id).filter(|&id| self.local(id).at <= start).collect()
    }

    /// Whether a local may be mentioned after what runs between two times.
    pub fn is_live_after(&self, id: LocalId, (start, end): (Time, Time)) -> bool {
        let declared = self.local(id).at;
        let in_loop = |at: Time| {
            let around = |it: &&LoopSpan| it.start <= start && end <= it.end;
            let mut loops = self.loops.iter().filter(around);
            loops.any(|it| declared < it.start && it.start <= at && at <= it.end)
        };
        let excluded = |at: Time| {
            let around = |it: &&Branch| it.start <= start && end <= it.end;
            self.branches.iter().filter(around).any(|it| it.end < at && at <= it.end_of_all)
        };
        let mut mentions = self.mentions.iter().filter(|(local, _)| *local == id);
        mentions.any(|&(_, at)| (end < at && !excluded(at)) || in_loop(at))
    }

    /// Every local with its index.
    pub fn all(&self) -> impl Iterator<Item = (LocalId, &Local)> {
        self.locals.iter().enumerate().map(|(index, local)| (LocalId(index), local))
    }
}

/// Finds the locals of a function, their uses, its loops and its hints.
pub fn resolve(sig: &Signature, block: &Block) -> Names {
    let mut walker = Walker::default();
    walker.names.typed = super::typed::typed_locals(sig, block);
    let params = sig.generics.type_params();
    walker.names.type_params = params.map(|param| param.ident.to_string()).collect();
    walker.names.consuming = super::consumed::consuming_calls(block);
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => walker.declare(receiver_binding(receiver)),
            FnArg::Typed(typed) => walker.declare_pat(&Pat::Type(typed.clone())),
        }
    }
    walker.names.body_start = walker.tick();
    walker.visit_block(block);
    walker.names
}

fn receiver_binding(receiver: &Receiver) -> Binding {
    let ty = match &receiver.kind {
        ReceiverKind::Typed(_, ty) => Some((**ty).clone()),
        ReceiverKind::Reference(and, lifetime, mutability) => {
            let this = Ident::new("Self", receiver.self_token.span);
            Some(Type::Reference(syn::parse_quote!(#and #lifetime #mutability #this)))
        }
        _ => None,
    };
    let ident = Ident::new("self", receiver.self_token.span);
    Binding { ident, mutable: receiver.mutability.is_some(), ty }
}

/// Mentions at this time count as behind everything: nobody knows when they happen.
const ALWAYS: Time = Time::MAX;

#[derive(Default)]
struct Walker {
    names: Names,
    scopes: Scopes<LocalId>,
    now: Time,
    /// The loops around, in the same closure.
    around: Vec<usize>,
    closures: usize,
    /// Visiting expressions that live no longer than the visit.
    in_macro: bool,
    /// The first attribute on the macro call that is being visited.
    attribute: Option<Span>,
}

impl Walker {
    fn tick(&mut self) -> Time {
        self.now += 1;
        self.now
    }

    fn declare(&mut self, binding: Binding) {
        let id = LocalId(self.names.locals.len());
        self.scopes.bind(&binding.ident, id);
        let at = self.tick();
        self.names.locals.push(Local { binding, at });
    }

    fn declare_pat(&mut self, pat: &Pat) {
        for binding in bindings(pat) {
            self.declare(binding);
        }
    }

    fn mention(&mut self, name: &Ident) {
        let at = self.tick();
        self.mention_at(name, at);
    }

    fn mention_at(&mut self, name: &Ident, at: Time) {
        if let Some(&id) = self.scopes.lookup(name) {
            self.names.mentions.push((id, at));
        }
    }

    fn mut_borrow(&mut self, place: &Expr, span: Span) {
        if let Some(&local) = place_root(place).and_then(|name| self.scopes.lookup(name)) {
            let at = self.tick();
            self.names.mut_borrows.push(MutBorrow { local, span, at });
        }
    }

    /// Notes from when to when a node runs.
    fn spanned<T>(&mut self, node: &T, walk: impl FnOnce(&mut Self)) {
        let start = self.now;
        walk(self);
        // The arguments of macros are parsed for this walk only.
        if !self.in_macro {
            self.names.spans.insert(std::ptr::from_ref(node).addr(), (start, self.now));
        }
    }

    /// One of several pieces of code of which one runs.
    fn branch(&mut self, walk: impl FnOnce(&mut Self)) {
        let start = self.tick();
        walk(self);
        let branch = Branch { start, end: self.tick(), end_of_all: 0 };
        self.names.branches.push(branch);
    }

    /// Branches that were begun at a time or later are all.
    fn end_branches(&mut self, since: Time) {
        let now = self.now;
        let begun = self.names.branches.iter_mut().rev().filter(|it| since < it.start);
        begun.filter(|it| it.end_of_all == 0).for_each(|it| it.end_of_all = now);
    }

    fn visit_stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            if let Stmt::Item(item) = stmt
                && let Some(name) = value_item(item)
            {
                self.scopes.hide(name);
            }
        }
        stmts.iter().for_each(|stmt| self.visit_stmt(stmt));
    }

    fn scoped(&mut self, walk: impl FnOnce(&mut Self)) {
        self.scopes.enter();
        walk(self);
        self.scopes.leave();
    }

    fn looped(&mut self, walk: impl FnOnce(&mut Self)) {
        let start = self.tick();
        let index = self.names.loops.len();
        self.names.loops.push(LoopSpan { start, end: start });
        self.around.push(index);
        self.scoped(walk);
        self.around.pop();
        self.names.loops[index].end = self.tick();
    }

    /// Code that runs at another time than where it stands: a loop around it is not its loop.
    fn deferred(&mut self, walk: impl FnOnce(&mut Self)) {
        let around = std::mem::take(&mut self.around);
        self.closures += 1;
        self.scoped(walk);
        self.closures -= 1;
        self.around = around;
    }

    fn hint(&mut self, kind: HintKind, mac: &Macro, hint: syn::Result<Hint>) {
        if let Ok(hint) = &hint {
            self.green_expressions(hint);
        }
        let find = |name| self.scopes.lookup(name).copied();
        let (mut greens, mut reds, mut driver) = (Vec::new(), Vec::new(), None);
        if let Ok(hint) = &hint {
            greens = hint.greens.iter().map(|green| find(green.root())).collect();
            reds = hint.reds.iter().map(find).collect();
            driver = driver_ident(&hint.driver).and_then(find);
        }
        let home = if self.closures == 0 { Home::Function } else { Home::Closure };
        let span = hint_span(mac);
        let site = HintSite {
            kind,
            span,
            mac,
            hint: Some(hint),
            home,
            greens,
            reds,
            driver,
            ..self.site()
        };
        self.names.hints.push(site);
    }

    /// What a green reads lives at the merge point.
    fn green_expressions(&mut self, hint: &Hint) {
        let outer = std::mem::replace(&mut self.in_macro, true);
        let exprs = hint.greens.iter().filter_map(crate::parse::Green::expr);
        exprs.for_each(|it| self.visit_expr(&it.promoted));
        self.in_macro = outer;
    }

    fn hint_in_macro(&mut self, kind: HintKind, span: Span) {
        let site = HintSite { kind, span, ..self.site() };
        self.names.hints.push(site);
    }

    fn site(&mut self) -> HintSite {
        HintSite {
            kind: HintKind::MergePoint,
            span: Span::call_site(),
            mac: std::ptr::null(),
            hint: None,
            attribute: self.attribute,
            home: Home::Macro,
            loop_span: self.around.last().copied(),
            at: self.tick(),
            greens: Vec::new(),
            reds: Vec::new(),
            driver: None,
        }
    }

    fn known_macro(&mut self, args: std_macros::Args) {
        let outer = std::mem::replace(&mut self.in_macro, true);
        args.exprs.iter().for_each(|arg| self.visit_expr(arg));
        self.in_macro = outer;
        args.captures.iter().for_each(|name| self.mention(name));
        if let Some(pat) = &args.pat {
            self.scoped(|this| this.declare_and_guard(pat));
        }
    }

    fn declare_and_guard(&mut self, pat: &Pat) {
        self.declare_pat(pat);
        if let Pat::Guard(it) = pat {
            self.visit_expr(&it.guard);
        }
    }

    /// Invariant 2: every identifier that is not a field's or a method's name may be a local.
    fn unknown_tokens(&mut self, tokens: &TokenStream, at: Option<Time>) {
        let mut before = Before::Other;
        let mut tokens = tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(name) => {
                    let called = tokens.peek().is_some_and(|next| is_punct(next, '!'));
                    match HintKind::from_name(&name.to_string()) {
                        Some(kind) if called => self.hint_in_macro(kind, name.span()),
                        _ if matches!(before, Before::Dot | Before::Quote) => {}
                        _ => self.mention_token(name, at),
                    }
                }
                TokenTree::Literal(literal) => {
                    for name in std_macros::captures_of_token(literal) {
                        self.mention_token(&name, at);
                    }
                }
                TokenTree::Group(group) => self.unknown_tokens(&group.stream(), at),
                TokenTree::Punct(_) => {}
            }
            before = before.then(&token);
        }
    }

    fn mention_token(&mut self, name: &Ident, at: Option<Time>) {
        let now = self.tick();
        self.mention_at(name, at.unwrap_or(now));
    }
}

/// What stands before a token. After one dot an identifier is a member, after two it is not; after
/// a quote it is a label.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Dot,
    Dots,
    Quote,
    Other,
}

impl Before {
    fn then(self, token: &TokenTree) -> Before {
        match self {
            _ if is_punct(token, '\'') => Before::Quote,
            _ if !is_punct(token, '.') => Before::Other,
            Before::Dot | Before::Dots => Before::Dots,
            Before::Quote | Before::Other => Before::Dot,
        }
    }
}

fn is_punct(token: &TokenTree, which: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == which)
}

fn hint_span(mac: &Macro) -> Span {
    mac.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
}

/// The local that a driver expression is, perhaps by reference.
fn driver_ident(driver: &Expr) -> Option<&Ident> {
    match driver {
        Expr::Reference(it) => driver_ident(&it.expr),
        _ => as_ident(driver),
    }
}

/// The name that an item puts into the namespace of values.
fn value_item(item: &syn::Item) -> Option<&Ident> {
    match item {
        syn::Item::Fn(it) => Some(&it.sig.ident),
        syn::Item::Const(it) => Some(&it.ident),
        syn::Item::Static(it) => Some(&it.ident),
        syn::Item::Struct(it) if !matches!(it.fields, syn::Fields::Named(_)) => Some(&it.ident),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Walker {
    fn visit_block(&mut self, block: &'ast Block) {
        self.scoped(|this| this.visit_stmts(&block.stmts));
    }

    fn visit_expr(&mut self, e: &'ast Expr) {
        self.spanned(e, |this| syn::visit::visit_expr(this, e));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.spanned(local, |this| {
            if let Some(init) = &local.init {
                this.visit_expr(&init.expr);
                if let Some((_, diverge)) = &init.diverge {
                    this.visit_expr(diverge);
                }
            }
            this.declare_pat(&local.pat);
        });
    }

    fn visit_expr_if(&mut self, it: &'ast syn::ExprIf) {
        let since = self.now;
        self.scoped(|this| {
            this.visit_expr(&it.cond);
            this.branch(|this| this.visit_block(&it.then_branch));
        });
        if let Some((_, other)) = &it.else_branch {
            self.branch(|this| this.visit_expr(other));
        }
        self.end_branches(since);
    }

    fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
        self.visit_expr(&it.expr);
        let since = self.now;
        it.arms.iter().for_each(|arm| self.visit_arm(arm));
        self.end_branches(since);
    }

    fn visit_expr_let(&mut self, it: &'ast syn::ExprLet) {
        self.visit_expr(&it.expr);
        self.declare_pat(&it.pat);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.scoped(|this| {
            this.declare_and_guard(&arm.pat);
            this.branch(|this| this.visit_expr(&arm.body));
        });
    }

    fn visit_expr_loop(&mut self, it: &'ast syn::ExprLoop) {
        self.looped(|this| this.visit_block(&it.body));
    }

    fn visit_expr_while(&mut self, it: &'ast syn::ExprWhile) {
        self.looped(|this| {
            this.visit_expr(&it.cond);
            this.visit_block(&it.body);
        });
    }

    fn visit_expr_for_loop(&mut self, it: &'ast syn::ExprForLoop) {
        self.visit_expr(&it.expr);
        self.looped(|this| {
            this.declare_pat(&it.pat);
            this.visit_block(&it.body);
        });
    }

    fn visit_expr_closure(&mut self, it: &'ast syn::ExprClosure) {
        self.deferred(|this| {
            it.inputs.iter().for_each(|input| this.declare_pat(input));
            this.visit_expr(&it.body);
        });
    }

    fn visit_expr_async(&mut self, it: &'ast syn::ExprAsync) {
        self.deferred(|this| this.visit_block(&it.block));
    }

    fn visit_expr_reference(&mut self, it: &'ast syn::ExprReference) {
        if it.mutability.is_some() {
            self.mut_borrow(&it.expr, it.and_token.span);
        }
        self.visit_expr(&it.expr);
    }

    fn visit_expr_raw_addr(&mut self, it: &'ast syn::ExprRawAddr) {
        if matches!(it.mutability, syn::PointerMutability::Mut(_)) {
            self.mut_borrow(&it.expr, it.and_token.span);
        }
        self.visit_expr(&it.expr);
    }

    fn visit_expr_path(&mut self, it: &'ast syn::ExprPath) {
        if it.qself.is_none()
            && let Some(name) = it.path.get_ident()
        {
            self.mention(name);
        }
    }

    fn visit_stmt_macro(&mut self, it: &'ast syn::StmtMacro) {
        self.attribute = it.attrs.first().map(|attr| attr.pound_token.span);
        self.spanned(it, |this| this.visit_macro(&it.mac));
        self.attribute = None;
    }

    fn visit_expr_macro(&mut self, it: &'ast syn::ExprMacro) {
        self.attribute = it.attrs.first().map(|attr| attr.pound_token.span);
        self.visit_macro(&it.mac);
        self.attribute = None;
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(hint) = parse_hint(mac) {
            let kind = HintKind::of(mac).expect("`parse_hint` knows it");
            match self.in_macro {
                true => self.hint_in_macro(kind, hint_span(mac)),
                false => self.hint(kind, mac, hint),
            }
        } else if let Some(args) = std_macros::args(mac) {
            self.known_macro(args);
        } else {
            self.unknown_tokens(&mac.tokens, None);
        }
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        // Items do not see locals, except that a macro's body sees those of its definition.
        if let syn::Item::Macro(it) = item {
            self.unknown_tokens(&it.mac.tokens, Some(ALWAYS));
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_type(&mut self, _: &'ast Type) {}

    fn visit_pat(&mut self, _: &'ast Pat) {}
}
