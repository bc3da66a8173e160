//! Patterns, and `match`.
//!
//! A pattern becomes code that walks it level by level over places, and either breaks out of its
//! block with `None` or ends in `Some` of what it binds ([`Test`]). What a level needs of types is
//! asked in `plumbing::pattern`.

use super::part::Owned;
use super::stmt::binds_by_ref_mut;
use super::{Lowerer, cfgs, start};
use crate::syntax;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Lifetime, Pat, RangeLimits};

/// The code for a pattern as far as it is.
struct Test {
    code: TokenStream,
    /// What the pattern binds, in order.
    names: Vec<Ident>,
    /// Parts that own something may be left behind.
    leaves: bool,
    refutable: bool,
    /// Out of the pattern's block.
    label: Lifetime,
}

/// A lowered pattern.
pub(super) struct Lowered {
    /// `Option` of a tuple of the names' values.
    pub test: TokenStream,
    /// What it binds.
    pub names: Vec<Ident>,
    /// Parts that own something may be left behind.
    leaves: bool,
    /// What is to be done once the names are bound.
    pub after: TokenStream,
}

impl Lowered {
    /// The names as a pattern.
    pub fn bind(&self) -> TokenStream {
        let names = &self.names;
        quote!((#(mut #names,)*))
    }

    /// Once the pattern has been chosen, the names own what they stand for.
    pub fn chosen(&self, root: &Ident) -> TokenStream {
        let names = &self.names;
        match names.is_empty() {
            true => quote!(),
            false => {
                quote!(if false #(| __p::pattern::own(&#names))* { __p::pattern::left(#root); })
            }
        }
    }

    /// The names as a value.
    pub fn tuple(&self) -> TokenStream {
        let names = &self.names;
        quote!((#(#names,)*))
    }
}

impl Lowerer {
    fn fresh(&mut self, name: &str) -> Ident {
        self.n_temps += 1;
        format_ident!("__{name}{}", self.n_temps)
    }

    pub(super) fn label(&mut self) -> Lifetime {
        self.n_temps += 1;
        Lifetime::new(&format!("'__l{}", self.n_temps), proc_macro2::Span::call_site())
    }

    /// A pattern over the value at the place `root`, with `__seen` in scope.
    pub(super) fn pattern(&mut self, pat: &Pat, root: &Ident, refutable: bool) -> Lowered {
        let label = self.label();
        let mut test =
            Test { code: TokenStream::new(), names: Vec::new(), leaves: false, refutable, label };
        self.level(pat, root, true, "", &mut test);
        let Test { code, names, leaves, label, .. } = test;
        for name in &names {
            self.declare(name);
        }
        let test = quote!(#label: { #code ::core::option::Option::Some((#(#names,)*)) });
        Lowered { test, names, leaves, after: TokenStream::new() }
    }

    /// The place of a scrutinee, which says how to drop what its patterns leave of its owner.
    pub(super) fn scrutinee(
        &mut self,
        owned: Option<Owned>,
        patterns: &[(TokenStream, &Pat, &Lowered)],
        guarded: bool,
        place: TokenStream,
    ) -> TokenStream {
        let Some(owned) = owned else { return place };
        let binds = patterns.iter().any(|(.., lowered)| !lowered.names.is_empty());
        let leaves = patterns.iter().any(|(.., lowered)| lowered.leaves);
        if !binds || (!leaves && owned.is_whole()) {
            return place;
        }
        let patterns: Vec<_> = patterns
            .iter()
            .map(|(cfg, pat, lowered)| (cfg.clone(), *pat, lowered.names.clone()))
            .collect();
        self.part_by_patterns(owned, &patterns, guarded, place)
    }

    fn level(&mut self, pat: &Pat, place: &Ident, is_root: bool, path: &str, test: &mut Test) {
        match pat {
            Pat::Paren(p) => self.level(&p.pat, place, is_root, path, test),
            Pat::Type(p) => self.level(&p.pat, place, is_root, path, test),
            Pat::Wild(_) | Pat::Rest(_) => test.leaves = true,
            Pat::Ident(p) if syntax::is_constant_name(&p.ident) => self.leaf(pat, place, test),
            Pat::Ident(p) => {
                let name = &p.ident;
                test.leaves |= p.by_ref.is_some();
                let value = match (&p.by_ref, is_root, &p.mutability) {
                    (Some(_), true, None) => quote!(#place.shared(__rec)),
                    (Some(_), true, Some(_)) => quote!(#place.exclusive(__rec)),
                    _ => quote!(#place.read(__rec).borrowed()),
                };
                test.code.extend(quote!(let mut #name = #value;));
                test.names.push(name.clone());
                if let Some((_, sub)) = &p.subpat {
                    self.level(sub, place, is_root, path, test);
                }
            }
            Pat::Lit(_) | Pat::Range(_) | Pat::Path(_) | Pat::Const(_) => {
                self.leaf(pat, place, test)
            }
            Pat::Reference(p) => {
                let behind = self.fresh("behind");
                test.code.extend(quote!(let #behind = __p::Peel::of(&#place).peel(__rec);));
                self.level(&p.pat, &behind, true, &format!("{path}&"), test);
            }
            Pat::Tuple(p) => {
                let children: Vec<_> = p.elems.iter().collect();
                self.parts(&children, place, path, None, test, |names| quote!((#(#names,)*)));
            }
            Pat::TupleStruct(p) => {
                let children: Vec<_> = p.elems.iter().collect();
                let ctor = &p.path;
                let variant = variant_name(ctor);
                self.parts(
                    &children,
                    place,
                    path,
                    Some(&variant),
                    test,
                    |names| quote!(#ctor(#(#names),*)),
                );
            }
            Pat::Struct(p) => {
                let children: Vec<_> = p.fields.iter().map(|field| &*field.pat).collect();
                let members: Vec<_> = p.fields.iter().map(|field| &field.member).collect();
                let (ctor, rest) = (&p.path, &p.rest);
                test.leaves |= rest.is_some();
                let variant = variant_name(ctor);
                self.parts(
                    &children,
                    place,
                    path,
                    Some(&variant),
                    test,
                    |names| quote!(#ctor { #(#members: #names,)* #rest }),
                );
            }
            Pat::Slice(p) => self.slice_pattern(p, place, path, test),
            Pat::Or(p) => self.alternatives(p, place, is_root, path, test),
            _ => {
                self.unsupported(pat, "this pattern");
            }
        }
    }

    /// One level: the parts that a pattern's children stand for. `whole` puts names together as the
    /// author's pattern does.
    fn parts(
        &mut self,
        children: &[&Pat],
        place: &Ident,
        path: &str,
        variant: Option<&str>,
        test: &mut Test,
        whole: impl FnOnce(&[TokenStream]) -> TokenStream,
    ) {
        let mut names = Vec::new();
        let mut captured = Vec::new();
        for child in children {
            names.push(match unparen(child) {
                Pat::Wild(_) | Pat::Rest(_) => {
                    test.leaves = true;
                    quote!(#child)
                }
                child => {
                    let name = self.fresh("part");
                    captured.push((name.clone(), child));
                    match by_ref(child) {
                        Some(mutability) => quote!(ref #mutability #name),
                        None => quote!(#name),
                    }
                }
            });
        }
        let whole = whole(&names);
        let (first, second) = (self.fresh("through"), self.fresh("through"));
        let (level, hit) = (self.fresh("level"), self.fresh("hit"));
        let parts: Vec<_> = captured.iter().map(|(name, _)| name).collect();
        let variant_path = format!("{path}/{}", variant.unwrap_or(""));
        let known = match (variant, test.refutable) {
            (Some(_), true) => {
                let number = hash(path);
                quote!(&__p::pattern::Variant::of(&#second).promote(__rec, &mut __seen, #number))
            }
            _ => quote!(&__p::pattern::ONE_VARIANT),
        };
        let fail = test.fail();
        let seen = captured.iter().map(|(name, child)| match by_ref(child) {
            Some(_) => quote!(__p::pattern::captured(&*#name)),
            None => quote!(__p::pattern::captured(&#name)),
        });
        let tokens = captured.iter().map(|(name, child)| match by_ref(child) {
            Some(_) => quote!(__p::pattern::Token::behind(&*#name)),
            None => quote!(__p::pattern::Token::of(&#name)),
        });
        let (types, n) = (self.fresh("types"), captured.len());
        test.code.extend(quote! {
            let #first = __p::pattern::Through::of(&#place).through(__rec);
            let #second = __p::pattern::Through::of(&#first).through(__rec);
            let #types = __p::pattern::types(#place, |mut __whole| match __whole {
                #whole => (#(#tokens,)*),
                _ => ::core::unreachable!(),
            });
            let (#level, #hit) = __p::pattern::Scrutinee(&#place, &#second).attempt(#known, |mut __whole| {
                let __at = (&raw const __whole).addr();
                let mut __parts: ::core::option::Option<[__p::pattern::Captured; #n]> =
                    ::core::option::Option::None;
                match __whole {
                    #whole if { __parts = ::core::option::Option::Some([#(#seen),*]); false } =>
                        ::core::unreachable!(),
                    _ => {}
                }
                ::core::mem::forget(__whole);
                (__at, __parts)
            });
            let ::core::option::Option::Some([#(#parts),*]) = #hit else { #fail };
        });
        for (at, (name, child)) in captured.iter().enumerate() {
            let (slot, index) = (self.fresh("slot"), syn::Index::from(at));
            test.code.extend(quote! {
                let mut #slot = ::core::mem::MaybeUninit::uninit();
                let #name = #level.child(
                    __rec,
                    __p::pattern::token(#types, |__tokens| __tokens.#index),
                    #name,
                    &mut #slot,
                );
            });
            self.level(child, name, by_ref(child).is_some(), &format!("{variant_path}.{at}"), test);
        }
    }

    fn slice_pattern(&mut self, p: &syn::PatSlice, place: &Ident, path: &str, test: &mut Test) {
        let is_rest = |pat: &Pat| match unparen(pat) {
            Pat::Rest(_) => true,
            Pat::Ident(p) => matches!(&p.subpat, Some((_, sub)) if matches!(**sub, Pat::Rest(_))),
            _ => false,
        };
        let n = p.elems.iter().filter(|pat| !is_rest(pat)).count();
        let exactly = n == p.elems.len();
        let rest = p.elems.iter().position(&is_rest);
        if rest.is_some_and(|at| matches!(unparen(&p.elems[at]), Pat::Ident(_))) {
            self.unsupported(p, "a name for the rest of a slice");
            return;
        }
        // Where the elements behind the rest are depends on the length.
        let bound = rest.is_some_and(|at| at + 1 < p.elems.len());
        let (first, second) = (self.fresh("through"), self.fresh("through"));
        let fail = test.fail();
        test.code.extend(quote! {
            let #first = __p::pattern::Through::of(&#place).through(__rec);
            let #second = __p::pattern::Through::of(&#first).through(__rec);
            if !(&__p::pattern::Length(#second)).has(__rec, #n, #exactly, #bound) { #fail }
        });
        let children: Vec<_> = p.elems.iter().collect();
        self.parts(&children, place, path, None, test, |names| quote!([#(#names),*]));
    }

    fn alternatives(
        &mut self,
        p: &syn::PatOr,
        place: &Ident,
        is_root: bool,
        path: &str,
        test: &mut Test,
    ) {
        let mut tests = Vec::new();
        let mut names: Vec<Ident> = Vec::new();
        for case in &p.cases {
            let label = self.label();
            let mut alternative = Test {
                code: TokenStream::new(),
                names: Vec::new(),
                leaves: false,
                refutable: true,
                label: label.clone(),
            };
            self.level(case, place, is_root, path, &mut alternative);
            test.leaves |= alternative.leaves;
            alternative.names.sort_by_key(Ident::to_string);
            let (code, bound) = (alternative.code, alternative.names);
            tests.push(quote!(#label: { #code ::core::option::Option::Some((#(#bound,)*)) }));
            names = bound;
        }
        let fail = test.fail();
        let chain = tests.into_iter().rev().fold(fail, |otherwise, test| {
            quote!(match #test {
                ::core::option::Option::Some(__bound) => __bound,
                ::core::option::Option::None => #otherwise,
            })
        });
        test.code.extend(quote!(let (#(mut #names,)*) = #chain;));
        test.names.extend(names);
    }

    /// Literals, constants, ranges.
    fn leaf(&mut self, pat: &Pat, place: &Ident, test: &mut Test) {
        let fail = test.fail();
        if is_text(pat) {
            test.code.extend(quote! {
                if !(&&__p::pattern::TextLeaf(#place, __p::frozen(__rec, #pat))).test(
                    __rec,
                    |__value| match *__value { #pat => true, _ => false },
                ) { #fail }
            });
            return;
        }
        let (first, second) = (self.fresh("through"), self.fresh("through"));
        let mut ranges = Vec::new();
        scalar_ranges(pat, &mut ranges);
        let variant = !names_constant(pat);
        test.code.extend(quote! {
            let #first = __p::pattern::Through::of(&#place).through(__rec);
            let #second = __p::pattern::Through::of(&#first).through(__rec);
            if !(&&&__p::pattern::Leaf(#second)).test(
                __rec,
                || __p::pattern::ranges([#(#ranges),*]),
                #variant,
                |__value| match *__value { #pat => true, _ => false },
            ) { #fail }
        });
    }

    pub(super) fn match_expr(&mut self, m: &syn::ExprMatch) -> TokenStream {
        let n_temps = self.n_temps;
        let changed = m.arms.iter().any(|arm| binds_by_ref_mut(&arm.pat));
        let place = self.accessed(&m.expr, changed);
        let owned = self.owned(&m.expr, n_temps);
        match m.arms.iter().all(|arm| is_scalar_pattern(split_guard(&arm.pat).0)) {
            true => {
                let binds =
                    m.arms.iter().any(|arm| scalar_binding(split_guard(&arm.pat).0).is_some());
                let place = match binds {
                    true => self.part_of_local(&m.expr, place, n_temps),
                    false => place,
                };
                self.scalar_match(m, place)
            }
            false => self.open_match(m, place, owned),
        }
    }

    pub(super) fn scalar_match(&mut self, m: &syn::ExprMatch, place: TokenStream) -> TokenStream {
        let span = start(m);
        let root = self.fresh("root");
        let mut tests = Vec::new();
        let mut arms = Vec::new();
        let mut numbered = Vec::new();
        let mut variants = true;
        for (number, arm) in m.arms.iter().enumerate() {
            let (cfg, not_cfg) = match cfgs(&arm.attrs) {
                Ok(cfgs) => cfgs,
                Err(attr) => return self.unsupported(attr, "this attribute on a match arm"),
            };
            let mut ranges = Vec::new();
            let (pat, guard) = split_guard(&arm.pat);
            scalar_ranges(pat, &mut ranges);
            tests.push(quote!(#cfg &[#(#ranges),*]));
            // The arms keep their numbers.
            tests.extend(not_cfg.map(|not_cfg| quote!(#not_cfg &[])));
            variants &= !names_constant(pat);
            let (pat, binding) = scalar_pattern(pat);
            numbered.push(quote!(#cfg #pat if __from <= #number => #number,));
            let arm = self.scoped(|cx| {
                let bind = binding.map(|name| {
                    cx.declare(&name);
                    quote!(let mut #name = __match.value();)
                });
                let own = match scalar_binding(split_guard(&arm.pat).0) {
                    Some(name) => quote! {
                        if __p::pattern::own(&#name) {
                            __p::pattern::left(#root);
                        }
                    },
                    None => quote!(),
                };
                let reach = guard.is_none().then(|| quote!(__match.reach(#number);));
                let guard = guard.map(|guard| {
                    let guard = cx.condition(guard);
                    quote!(if { __match.reach(#number); #bind #guard })
                });
                let body = cx.arm_body(&arm.body);
                quote!(#cfg #pat #guard => { #reach #bind #own #body })
            });
            arms.push(arm);
        }
        quote_spanned!(span=> {
            let #root = #place;
            // The ranges are temporaries, which live as long as the outer `match`.
            match (&&&__p::pattern::Matched(#root)).start(
                __rec,
                &[#(#tests),*],
                #variants,
                |__value, __from| match *__value { #(#numbered)* _ => ::core::primitive::usize::MAX },
            ) {
                mut __match => match *__match.bits() { #(#arms)* }
            }
        })
    }

    /// The body of an arm as a value, also where it is a statement such as `x = 1`.
    pub(super) fn arm_body(&mut self, body: &Expr) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let lowered = self.value(body);
        let temps = std::mem::replace(&mut self.temps, outer);
        quote!(#(let mut #temps;)* #lowered)
    }

    /// First the arm is chosen, then its body runs: a `break` of the author's in a body must not
    /// stand in the block that is left with the choice.
    pub(super) fn open_match(
        &mut self,
        m: &syn::ExprMatch,
        place: TokenStream,
        owned: Option<Owned>,
    ) -> TokenStream {
        let guarded = m.arms.iter().any(|arm| split_guard(&arm.pat).1.is_some());
        let mut patterns = Vec::new();
        let root = self.fresh("root");
        let label = self.label();
        let (mut tests, mut bodies) = (Vec::new(), Vec::new());
        let (mut variants, mut generics) = (Vec::new(), Vec::new());
        let names: Vec<_> = (0..m.arms.len()).map(|n| format_ident!("A{n}")).collect();
        for (number, (arm, name)) in m.arms.iter().zip(&names).enumerate() {
            let cfg = match cfgs(&arm.attrs) {
                Ok((cfg, _)) => cfg,
                Err(attr) => return self.unsupported(attr, "this attribute on a match arm"),
            };
            let (pat, guard) = split_guard(&arm.pat);
            let (test, body, lowered) = self.scoped(|cx| {
                let lowered = cx.pattern(pat, &root, true);
                let guard = guard.map(|guard| cx.condition(guard));
                let (test, bind, tuple) = (&lowered.test, lowered.bind(), lowered.tuple());
                let chosen = quote!(break #label __Arm::#name(#tuple););
                let chosen = guard.map_or(chosen.clone(), |guard| quote!(if #guard { #chosen }));
                let test =
                    quote!(#cfg { if let ::core::option::Option::Some(#bind) = #test { #chosen } });
                let which = match guarded {
                    true => quote!(let #root = #root.site(#number);),
                    false => quote!(),
                };
                let (own, body) = (lowered.chosen(&root), cx.arm_body(&arm.body));
                (test, quote!(#cfg __Arm::#name(#bind) => { #which #own #body }), lowered)
            });
            patterns.push((cfg.clone(), pat, lowered));
            tests.push(test);
            bodies.push(body);
            variants.push(quote!(#cfg #name(#name)));
            generics.push(quote!(#cfg #name));
        }
        let patterns: Vec<_> =
            patterns.iter().map(|(cfg, pat, lowered)| (cfg.clone(), *pat, lowered)).collect();
        let place = self.scrutinee(owned, &patterns, guarded, place);
        quote!({
            enum __Arm<#(#generics),*> { #(#variants,)* }
            let #root = #place;
            let mut __seen = __p::pattern::Seen::default();
            let __arm = #label: { #(#tests)* ::core::unreachable!() };
            match __arm { #(#bodies)* }
        })
    }

    /// Conditions with `let`, joined by `&&`: `Option` of what they bind.
    pub(super) fn let_condition(&mut self, cond: &Expr) -> Lowered {
        let mut parts = Vec::new();
        conjuncts(cond, &mut parts);
        let label = self.label();
        let (mut code, mut after) = (TokenStream::new(), TokenStream::new());
        let mut names: Vec<Ident> = Vec::new();
        for part in parts {
            let Expr::Let(part) = part else {
                let holds = self.condition(part);
                code.extend(quote!(if !#holds { break #label ::core::option::Option::None; }));
                continue;
            };
            let root = self.fresh("root");
            let n_temps = self.n_temps;
            let changed = binds_by_ref_mut(&part.pat);
            let place = self.accessed(&part.expr, changed);
            let owned = self.owned(&part.expr, n_temps);
            let lowered = self.pattern(&part.pat, &root, true);
            // A name that was bound just before is moved to where the names live first: whoever drops
            // what is left of it has to find it there.
            let moves = |owned: &Owned| {
                names.contains(owned.owner()) && !lowered.names.contains(owned.owner())
            };
            let patterns = [(quote!(), &*part.pat, &lowered)];
            let (place, chosen) = match owned.filter(|_| !lowered.names.is_empty()) {
                Some(owned) if moves(&owned) => {
                    let again = self.accessed(&part.expr, changed);
                    let again = self.scrutinee(Some(owned), &patterns, false, again);
                    let chosen = lowered.chosen(&root);
                    after.extend(quote!({ let #root = #again; #chosen }));
                    (place, quote!())
                }
                owned => {
                    let place = self.scrutinee(owned, &patterns, false, place);
                    (place, lowered.chosen(&root))
                }
            };
            let (test, bind) = (&lowered.test, lowered.bind());
            code.extend(quote! {
                let #root = #place;
                let mut __seen = __p::pattern::Seen::default();
                let ::core::option::Option::Some(#bind) = (#test) else { break #label ::core::option::Option::None };
                #chosen
            });
            // A later name hides an earlier one.
            names.retain(|name| !lowered.names.contains(name));
            names.extend(lowered.names);
        }
        let test = quote!(#label: { #code ::core::option::Option::Some((#(#names,)*)) });
        Lowered { test, names, leaves: false, after }
    }
}

impl Test {
    /// Leaves the pattern's block.
    fn fail(&self) -> TokenStream {
        let label = &self.label;
        quote!(break #label ::core::option::Option::None)
    }
}

/// How a pattern binds that is a name after `ref`.
fn by_ref(pat: &Pat) -> Option<Option<syn::Token![mut]>> {
    match pat {
        Pat::Ident(p) if p.by_ref.is_some() => Some(p.mutability),
        _ => None,
    }
}

fn unparen(pat: &Pat) -> &Pat {
    match pat {
        Pat::Paren(p) => unparen(&p.pat),
        pat => pat,
    }
}

/// The operands of `&&` at the top of a condition.
fn conjuncts<'a>(cond: &'a Expr, parts: &mut Vec<&'a Expr>) {
    match cond {
        Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_)) && contains_let(cond) => {
            conjuncts(&b.left, parts);
            conjuncts(&b.right, parts);
        }
        cond => parts.push(cond),
    }
}

/// Whether a condition binds names.
pub(super) fn contains_let(cond: &Expr) -> bool {
    match cond {
        Expr::Let(_) => true,
        Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_)) => {
            contains_let(&b.left) || contains_let(&b.right)
        }
        _ => false,
    }
}

fn variant_name(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// The number of a level (FNV-1a).
fn hash(path: &str) -> u64 {
    path.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whether a pattern names a constant rather than a variant: by the naming convention.
pub(super) fn names_constant(pat: &Pat) -> bool {
    let constant = syntax::is_all_upper_case;
    match pat {
        Pat::Paren(p) => names_constant(&p.pat),
        Pat::Or(p) => p.cases.iter().any(names_constant),
        Pat::Ident(p) if syntax::is_constant_name(&p.ident) => {
            constant(&p.ident) && p.ident.to_string().len() > 1
        }
        Pat::Ident(p) => p.subpat.as_ref().is_some_and(|(_, sub)| names_constant(sub)),
        Pat::Path(p) => p.path.segments.last().is_some_and(|last| {
            constant(&last.ident)
                && (last.ident.to_string().len() > 1 || p.path.segments.len() == 1)
        }),
        Pat::Lit(_) | Pat::Range(_) | Pat::Const(_) => true,
        _ => false,
    }
}

/// The name that a pattern of a match on numbers binds.
pub(super) fn scalar_binding(pat: &Pat) -> Option<Ident> {
    scalar_pattern(pat).1
}

/// A match arm's pattern and its `if`.
pub(super) fn split_guard(pat: &Pat) -> (&Pat, Option<&Expr>) {
    match pat {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pat => (pat, None),
    }
}

/// A pattern over a number, `bool` or `char`: literals, constants, ranges, names, `_`.
pub(super) fn is_scalar_pattern(pat: &Pat) -> bool {
    match pat {
        Pat::Paren(p) => is_scalar_pattern(&p.pat),
        Pat::Or(p) => p.cases.iter().all(is_scalar_pattern),
        Pat::Ident(p) if p.by_ref.is_some() => false,
        Pat::Ident(p) => p.subpat.as_ref().is_none_or(|(_, sub)| is_scalar_pattern(sub)),
        Pat::Path(_) | Pat::Lit(_) | Pat::Range(_) | Pat::Wild(_) | Pat::Const(_) => true,
        _ => false,
    }
}

/// A literal that is a string or the like.
fn is_text(pat: &Pat) -> bool {
    use syn::Lit::{ByteStr, CStr, Str};
    matches!(pat, Pat::Lit(lit) if matches!(lit.lit, Str(_) | ByteStr(_) | CStr(_)))
}

/// The inclusive ranges that a scalar pattern matches; none means everything.
pub(super) fn scalar_ranges(pat: &Pat, ranges: &mut Vec<TokenStream>) {
    match pat {
        Pat::Paren(p) => scalar_ranges(&p.pat, ranges),
        Pat::Or(p) => p.cases.iter().for_each(|case| scalar_ranges(case, ranges)),
        Pat::Ident(p) if syntax::is_constant_name(&p.ident) => {
            let name = &p.ident;
            ranges.push(quote!((#name, #name)));
        }
        Pat::Ident(p) => {
            if let Some((_, sub)) = &p.subpat {
                scalar_ranges(sub, ranges);
            }
        }
        Pat::Path(_) | Pat::Lit(_) => ranges.push(quote!((#pat, #pat))),
        Pat::Range(range) => {
            let from = match &range.start {
                Some(start) => quote!(#start),
                None => quote!(__p::Scalar::LEAST),
            };
            ranges.push(match (&range.end, &range.limits) {
                (None, _) => quote!((#from, __p::Scalar::GREATEST)),
                (Some(end), RangeLimits::Closed(_)) => quote!((#from, #end)),
                (Some(end), RangeLimits::HalfOpen(_)) => quote!((#from, __p::before(#end))),
            });
        }
        _ => {}
    }
}

/// The pattern without its name, and the name.
pub(super) fn scalar_pattern(pat: &Pat) -> (TokenStream, Option<Ident>) {
    match pat {
        Pat::Paren(p) => scalar_pattern(&p.pat),
        Pat::Ident(p) if syntax::is_constant_name(&p.ident) => (quote!(#pat), None),
        Pat::Ident(p) => {
            let inner = p.subpat.as_ref().map_or(quote!(_), |(_, sub)| scalar_pattern(sub).0);
            (inner, Some(p.ident.clone()))
        }
        _ => (quote!(#pat), None),
    }
}
