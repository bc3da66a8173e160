//! Expansion of a portal: the twin at the merge point, and the way into compiled code.
//!
//! The twin is a closure inside the portal, at the merge point: that is the one place where the types
//! of its local variables are known, to rustc, be they generic or those of a trait's method. It captures
//! nothing; its locals are its arguments, under the author's names, with `__self` for `self`.
//!
//! Compiled code is entered at each `can_enter_jit!`, or at the merge point if that is alone. It comes
//! back in the state of a merge point, which is put into the variables that are listed. A green that is
//! an expression is not put anywhere: what it reads has changed already.

use super::{TwinBody, inlined};
use crate::check;
use crate::lower::{Lowerer, Return, Unwinding, green_name};
use crate::parse::{self, Green, Hint};
use crate::scope;
use crate::syntax::{self, BreakKind, rename_self};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ReturnType, Signature, Stmt, Type, parse_quote};

/// The portal's body: the author's, with the twin at the merge point and the entry at each
/// `can_enter_jit!`.
pub fn body(
    sig: &Signature,
    block: &Block,
    portal: &check::Portal,
    is_inlined: bool,
) -> syn::Result<Block> {
    let mut at_merge_point = match is_inlined {
        true => inlined::plain_portal(sig, portal),
        false => twin(sig, block, portal)?,
    };
    if portal.is_alone {
        at_merge_point.extend(enter(&portal.hint, portal));
    }
    let mut replacer =
        HintReplacer { at_merge_point, portal, in_loop: false, alive: 0, waits: false };
    let mut replaced = block.clone();
    replacer.visit_block_mut(&mut replaced);
    if replacer.waits {
        // What is still to be dropped on the way to the merge point is dropped first.
        let entry = enter_now(&portal.hint, portal);
        replacer.at_merge_point.extend(quote! {
            if ::core::mem::take(&mut __jit_waits) { #entry }
        });
        replaced = block.clone();
        replacer.visit_block_mut(&mut replaced);
        replaced.stmts.insert(0, parse_quote!(let mut __jit_waits = false;));
    }
    Ok(replaced)
}

struct HintReplacer<'a> {
    at_merge_point: TokenStream,
    portal: &'a check::Portal,
    /// In the loop of the merge point.
    in_loop: bool,
    /// How many variables of the loop's body, and temporaries of statements, may be alive.
    alive: usize,
    /// Compiled code is entered at the merge point, as something is alive at a `can_enter_jit!`.
    waits: bool,
}

impl HintReplacer<'_> {
    fn entry(&mut self, hint: &Hint) -> TokenStream {
        if self.alive == 0 {
            return enter(hint, self.portal);
        }
        self.waits = true;
        let ticks = ticks(hint, self.portal);
        quote!(if #ticks { __jit_waits = true; })
    }

    fn scoped(&mut self, alive: bool, visit: impl FnOnce(&mut Self)) {
        let outer = self.alive;
        self.alive += usize::from(alive && self.in_loop);
        visit(self);
        self.alive = outer;
    }
}

/// Whether a scrutinee may have temporaries.
fn has_temporaries(e: &Expr) -> bool {
    match e {
        Expr::Path(_) | Expr::Lit(_) => false,
        Expr::Field(it) => has_temporaries(&it.base),
        Expr::Index(it) => has_temporaries(&it.expr) || has_temporaries(&it.index),
        Expr::Paren(it) => has_temporaries(&it.expr),
        Expr::Unary(it) => has_temporaries(&it.expr),
        Expr::Reference(it) => has_temporaries(&it.expr),
        Expr::Binary(it) => has_temporaries(&it.left) || has_temporaries(&it.right),
        Expr::Cast(it) => has_temporaries(&it.expr),
        Expr::Let(it) => !scope::bindings(&it.pat).is_empty() || has_temporaries(&it.expr),
        _ => true,
    }
}

impl VisitMut for HintReplacer<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(false, |this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        visit_mut::visit_local_mut(self, local);
        let names = scope::bindings(&local.pat);
        let own = |name: &Ident| {
            let hint = &self.portal.hint;
            let greens = hint.greens.iter().filter_map(Green::variable);
            !greens.chain(&hint.reds).any(|it| it == name)
        };
        if self.in_loop && names.iter().any(|it| own(&it.ident)) {
            self.alive += 1;
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        let binds = !scope::bindings(&arm.pat).is_empty();
        self.scoped(binds, |this| visit_mut::visit_arm_mut(this, arm));
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Macro(m) = stmt
            && let Some(Ok(hint)) = parse::parse_hint(&m.mac)
        {
            let path = &m.mac.path;
            let expanded = match hint.is_merge_point() {
                true => self.at_merge_point.clone(),
                false => self.entry(&hint),
            };
            let tokens = quote!(#path!(); #expanded);
            *stmt = Stmt::Expr(Expr::Verbatim(tokens), None);
            return;
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_expr_mut(&mut self, e: &mut Expr) {
        if let Expr::Macro(m) = e
            && let Some(Ok(hint)) = parse::parse_hint(&m.mac)
        {
            let (path, tokens) = (&m.mac.path, self.entry(&hint));
            *e = Expr::Verbatim(quote!({ #path!(); #tokens }));
            return;
        }
        if check::has_merge_point(e) {
            let outer = std::mem::replace(&mut self.in_loop, true);
            self.scoped(false, |this| {
                this.alive = 0;
                visit_mut::visit_expr_mut(this, e);
            });
            self.in_loop = outer;
            return;
        }
        let alive = match e {
            Expr::Match(it) => has_temporaries(&it.expr),
            Expr::If(it) => matches!(&*it.cond, Expr::Let(_)) && has_temporaries(&it.cond),
            Expr::While(it) => matches!(&*it.cond, Expr::Let(_)) && has_temporaries(&it.cond),
            Expr::ForLoop(_) => true,
            _ => false,
        };
        self.scoped(alive, |this| visit_mut::visit_expr_mut(this, e));
    }
}

pub fn greens(hint: &Hint) -> TokenStream {
    let driver = &hint.driver;
    let greens = hint.greens.iter().map(|green| {
        let read = green.read();
        let span = Span::call_site().located_at(green.span());
        match green.variable() {
            Some(_) => quote_spanned!(span=> ::jitdriver::plumbing::green(&#driver, &#read)),
            None => quote_spanned!(span=> ::jitdriver::plumbing::green_expr(&#driver, &(#read))),
        }
    });
    quote!((#(#greens,)*))
}

/// The reds as they are passed: by value, or where they are.
pub fn reds(hint: &Hint, portal: &check::Portal, exclusive: bool) -> TokenStream {
    let probes = hint.reds.iter().map(|name| {
        let borrow = match exclusive && portal.is_mutable(name) {
            true => quote!(&raw mut #name),
            false => quote!((&raw const #name).cast_mut()),
        };
        quote_spanned!(name.span()=> (&&::jitdriver::plumbing::Probe(#borrow)).red())
    });
    quote!({
        #[allow(unused_imports)]
        use ::jitdriver::plumbing::{ProbeExclusive as _, ProbeMemory as _, ProbeOwned as _, ProbeValue as _};
        ::core::convert::identity((#(#probes,)*))
    })
}

/// Counts the way through a hint, and says whether to go on in compiled code.
fn ticks(hint: &Hint, portal: &check::Portal) -> TokenStream {
    let (driver, green_values) = (&hint.driver, greens(hint));
    let tick = match portal.is_alone {
        true => quote!(tick_at_merge_point),
        false => quote!(tick),
    };
    quote!(::jitdriver::plumbing::#tick(&#driver, || #green_values))
}

/// Where the plain function goes on in compiled code, or records.
pub fn enter(hint: &Hint, portal: &check::Portal) -> TokenStream {
    let (ticks, entry) = (ticks(hint, portal), enter_now(hint, portal));
    // A false condition leaves the loop before the merge point; it has no effects, so that asking it
    // here once more does no harm. At the merge point itself it has been asked.
    let condition = portal.condition.as_ref().filter(|_| !portal.is_alone);
    let condition = condition.map(|condition| quote!(&& (#condition)));
    quote!(if #ticks #condition { #entry })
}

/// Enters compiled code where a portal starts that a trace has called.
pub fn enter_in_call(hint: &Hint, portal: &check::Portal) -> TokenStream {
    let driver = &hint.driver;
    let active = quote!(::jitdriver::plumbing::active_in_call(&#driver, __start));
    let entry = enter_by(hint, portal, &active);
    // A merge point that is alone looks for code by itself.
    let ticks = (!portal.is_alone).then(|| ticks(hint, portal)).map(|ticks| quote!(|| #ticks));
    quote!(if __start == ::jitdriver::plumbing::AT_EXIT #ticks { #entry })
}

/// The entry itself.
fn enter_now(hint: &Hint, portal: &check::Portal) -> TokenStream {
    let driver = &hint.driver;
    enter_by(hint, portal, &quote!(::jitdriver::plumbing::active(&#driver)))
}

fn enter_by(hint: &Hint, portal: &check::Portal, active: &TokenStream) -> TokenStream {
    let green_values = greens(hint);
    let red_values = reds(hint, portal, true);
    let back = |names: &[Option<&Ident>], prefix: &str| {
        let backs: Vec<_> = (0..names.len()).map(|i| format_ident!("__{prefix}{i}")).collect();
        let puts: Vec<_> = names
            .iter()
            .zip(&backs)
            .filter_map(|(name, back)| Some((name.filter(|name| portal.is_mutable(name))?, back)))
            .map(|(name, back)| quote!(::jitdriver::plumbing::PutBack::put(#back, &mut #name);))
            .collect();
        (quote!((#(#backs,)*)), quote!(#(#puts)*))
    };
    let greens: Vec<_> = hint.greens.iter().map(Green::variable).collect();
    let reds: Vec<_> = hint.reds.iter().map(Some).collect();
    let (green_backs, put_greens) = back(&greens, "g");
    let (red_backs, put_reds) = back(&reds, "r");
    // What has been moved out is not dropped here.
    let variables = hint.greens.iter().map(Green::variable).chain(hint.reds.iter().map(Some));
    let forget_moved: TokenStream = variables
        .enumerate()
        .filter_map(|(number, name)| Some((number, name?)))
        .map(|(number, name)| quote!(if __moved[#number] { ::core::mem::forget(#name); }))
        .collect();
    quote! {
            // A statement of its own, so that what the greens borrow is given back.
            let __greens = #green_values;
            #[allow(unused_variables, forgetting_copy_types, forgetting_references, clippy::all)]
            match __jit_portal.enter(#active, __greens, #red_values) {
                ::jitdriver::plumbing::Exit::Continue(#green_backs, #red_backs) => {
                    #put_greens
                    #put_reds
                }
                ::jitdriver::plumbing::Exit::Return(__result, #green_backs, #red_backs, __moved) => {
                    #put_greens
                    #put_reds
                    #forget_moved
                    return __result;
                }
                ::jitdriver::plumbing::Exit::Panic(__panic, #green_backs, #red_backs, __moved) => {
                    #put_greens
                    #put_reds
                    #forget_moved
                    ::std::panic::resume_unwind(__panic)
                }
            }
    }
}

/// `jit_merge_point!` in the plain function: the twin.
fn twin(sig: &Signature, block: &Block, portal: &check::Portal) -> syn::Result<TokenStream> {
    let hint = &portal.hint;
    let (ret, result) = returns(&sig.output);
    let green_locals: Vec<_> = hint.greens.iter().enumerate().map(green_name).collect();
    let red_locals: Vec<_> = hint.reds.iter().map(|red| rename_self(quote!(#red))).collect();
    let variables = hint.greens.iter().filter_map(Green::variable).chain(&hint.reds);
    let locals = variables.map(|name| rename_self(quote!(#name)).to_string());
    let TwinBody { block, checks } = &TwinBody::of(sig, block);
    let names = scope::resolve(sig, block);
    let mut cx = Lowerer::new(ret, locals, Some(hint.clone()), names, &sig.output);
    cx.is_alone = portal.is_alone;
    cx.reassigned =
        hint.reds.iter().filter(|red| portal.is_mutable(red)).map(Ident::to_string).collect();
    let body = twin_body(block, &mut cx)?;
    let methods = cx.finish()?;
    let abort = methods.unwinds.iter().map(|Unwinding { span, what, cfg }| {
        let message = format!(
            "{what} is left by unwinding while a loop is recorded, and this crate is built with `panic = \"abort\"`; \
             put it into a function of its own, or build with `panic = \"unwind\"`"
        );
        let span = Span::call_site().located_at(*span);
        let error = quote_spanned!(span=> ::core::compile_error!(#message););
        quote!(#[cfg(panic = "abort")] #cfg #error)
    });
    let prelude = super::prelude(&methods, checks);
    let (green_values, red_values) = (greens(hint), reds(hint, portal, false));
    Ok(quote! {
        #(#abort)*
        #[allow(warnings, clippy::all)]
        let __jit_portal = ::jitdriver::plumbing::portal(
            || (#green_values, #red_values),
            {
                use ::jitdriver::plumbing::{ResultPlain as _, ResultTraced as _};
                #result
            },
            |__rec, (#(mut #green_locals,)*), (#(mut #red_locals,)*)| {
                #prelude
                use ::jitdriver::plumbing::{ResultPlain as _, ResultTraced as _};
                let __is_inlined = false;
                #body
            },
        );
    })
}

/// The loop, entered at its merge point, and what follows it.
pub fn twin_body(block: &Block, cx: &mut Lowerer) -> syn::Result<TokenStream> {
    if check::is_first(block) {
        return Ok(instruction(block, cx));
    }
    let is_loop = |stmt: &&Stmt| matches!(stmt, Stmt::Expr(e, _) if check::has_merge_point(e));
    let at = block.stmts.iter().position(|stmt| is_loop(&stmt)).ok_or_else(|| {
        syn::Error::new(
            block.span(),
            "the loop with the merge point must be a statement of the function's body",
        )
    })?;
    let Stmt::Expr(e, _) = &block.stmts[at] else { unreachable!("found above") };
    let items = items(&block.stmts[..at]);
    let rest = &block.stmts[at + 1..];
    let tail_is_loop = rest.is_empty() && matches!(&block.stmts[at], Stmt::Expr(_, None));
    let (label, condition, body) = match e {
        Expr::While(w) => (&w.label, Some(&*w.cond), &w.body),
        Expr::Loop(l) => (&l.label, None, &l.body),
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "the merge point's loop must be `loop` or `while`",
            ));
        }
    };
    let kind = syntax::break_kind(body, label.as_ref().map(|label| &label.name));
    let breaks = match kind {
        // A macro may hide a `break` where the value of the loop is not used.
        BreakKind::None if !tail_is_loop => BreakKind::Plain,
        kind => kind,
    };
    let lowered = cx.in_loop(breaks, |cx| twin_loop(label.to_token_stream(), condition, body, cx));
    let value_of_loop = condition.is_none() && tail_is_loop;
    let rest = cx.rest_of_portal(rest, value_of_loop);
    Ok(quote!(#(#items)* #lowered #rest))
}

/// The loop. What stands before the merge point in it, its condition included, is behind it the first
/// time.
fn twin_loop(
    label: TokenStream,
    condition: Option<&Expr>,
    body: &Block,
    cx: &mut Lowerer,
) -> TokenStream {
    let is_merge_point = |stmt: &Stmt| {
        check::hint_of(stmt).is_some_and(|(kind, _)| kind == parse::HintKind::MergePoint)
    };
    let at = body.stmts.iter().position(is_merge_point).expect("this is the merge point's loop");
    let (before, from_merge_point) = body.stmts.split_at(at);
    let condition =
        condition.map(|condition| -> Expr { parse_quote!(if #condition {} else { break; }) });
    let executed = before.iter().filter(|stmt| !matches!(stmt, Stmt::Item(_))).cloned();
    let mut again: Vec<Stmt> = condition.map(|it| Stmt::Expr(it, None)).into_iter().collect();
    again.extend(executed);
    if again.is_empty() {
        let body = cx.stmts(&body.stmts);
        return quote!(#label loop { #body; });
    }
    let items = items(before);
    let (again, body) = (cx.stmts(&again), cx.stmts(from_merge_point));
    quote! {
        let mut __at_merge_point = true;
        #label loop {
            #(#items)*
            if !::core::mem::take(&mut __at_merge_point) { let _ = { #again }; }
            #body;
        }
    }
}

/// A function that executes one instruction: it starts over where it returns the value that asks for that.
fn instruction(block: &Block, cx: &mut Lowerer) -> TokenStream {
    let again = cx.again().expect("the merge point says what asks for another call");
    let mut body = block.clone();
    return_at_end(&mut body);
    let label: syn::Lifetime = parse_quote!('__jit_again);
    StartOver { again: again.to_token_stream().to_string(), label: &label }
        .visit_block_mut(&mut body);
    let body = cx.stmts(&body.stmts);
    quote!(#label: loop { let _ = { #body }; })
}

/// Makes the value of a block one that is returned by statement.
fn return_at_end(block: &mut Block) {
    match block.stmts.last_mut() {
        Some(Stmt::Expr(value, None)) => return_value(value),
        // What comes here returns nothing, or does not come here.
        _ => block.stmts.push(parse_quote!(return;)),
    }
}

fn return_value(value: &mut Expr) {
    match value {
        Expr::Block(it) if it.label.is_none() => return_at_end(&mut it.block),
        Expr::Unsafe(it) => return_at_end(&mut it.block),
        Expr::Paren(it) => return_value(&mut it.expr),
        Expr::Match(it) => it.arms.iter_mut().for_each(|arm| return_value(&mut arm.body)),
        Expr::If(it) if it.else_branch.is_some() => {
            return_at_end(&mut it.then_branch);
            it.else_branch.iter_mut().for_each(|(_, other)| return_value(other));
        }
        Expr::Return(_) | Expr::Macro(_) | Expr::Loop(_) => {}
        _ => {
            let returned = std::mem::replace(value, Expr::PLACEHOLDER);
            *value = parse_quote!(return #returned);
        }
    }
}

/// Makes `continue` of each `return` of the value that asks for another call.
struct StartOver<'a> {
    again: String,
    label: &'a syn::Lifetime,
}

impl VisitMut for StartOver<'_> {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        let returned = match e {
            Expr::Return(it) => it.expr.to_token_stream().to_string(),
            _ => return visit_mut::visit_expr_mut(self, e),
        };
        if returned == self.again || (returned.is_empty() && self.again == "()") {
            let label = self.label;
            *e = parse_quote!(continue #label);
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut syn::ExprClosure) {}

    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

fn items(stmts: &[Stmt]) -> Vec<&Stmt> {
    stmts.iter().filter(|stmt| matches!(stmt, Stmt::Item(_))).collect()
}

/// Whether the words of a result of this type are known: by its syntax, as types are not known here.
/// How the twin returns, and the function that makes the portal's result of the words of compiled code.
fn returns(output: &ReturnType) -> (Return, TokenStream) {
    match output {
        output if is_traceable(output) => {
            (Return::Portal, quote!(::jitdriver::plumbing::traced_result))
        }
        // Rustc knows whether it can be traced, if it has a name.
        ReturnType::Type(_, ty) if is_named(ty) => {
            let of_words = quote! {
                (&&::jitdriver::plumbing::ResultOf::<#ty>(::core::marker::PhantomData)).of_words()
            };
            (Return::Inlinable, of_words)
        }
        _ => (Return::UntracedPortal, quote!(::jitdriver::plumbing::untraced_result)),
    }
}

/// Whether a type can be written where its value is made: it has no `impl Trait` in it.
fn is_named(ty: &Type) -> bool {
    struct Names(bool);
    impl<'a> Visit<'a> for Names {
        fn visit_type_impl_trait(&mut self, _: &'a syn::TypeImplTrait) {
            self.0 = false;
        }
    }
    let mut names = Names(true);
    names.visit_type(ty);
    names.0 && !matches!(ty, Type::Never(_))
}

fn is_traceable(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => is_traceable_type(ty),
    }
}

fn is_traceable_type(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Paren(ty) => is_traceable_type(&ty.elem),
        Type::Group(ty) => is_traceable_type(&ty.elem),
        ty => is_scalar(ty),
    }
}

/// Whether a type is a number, a `bool` or a `char`, by its name.
pub fn is_scalar(ty: &Type) -> bool {
    const SCALARS: [&str; 14] = [
        "bool", "char", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize",
        "f32", "f64",
    ];
    match ty {
        Type::Path(path) => {
            path.path.get_ident().is_some_and(|name| SCALARS.contains(&name.to_string().as_str()))
        }
        _ => false,
    }
}
