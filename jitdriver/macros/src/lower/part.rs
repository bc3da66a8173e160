//! Parts that are moved out of a local, and what becomes of the rest.
//!
//! Each place in the text where a part may be moved out, by a path of fields or by a pattern, is a
//! [`Site`] of the local and has a bit; the run sets the bits of the sites that have been passed. When
//! the local goes out of scope with a bit set, a closure that is written here takes the local apart as
//! the author did, forgets what has been moved out, and so drops the rest.
//!
//! Invariant: nothing is dropped twice. Of two sites whose paths overlap at most one can be undone by a
//! text that rustc accepts; if both have been passed, the local is leaked.

use super::Lowerer;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Expr, Pat, UnOp};

/// Where a part of a local may be moved out.
pub(super) struct Site {
    /// The fields on the way to the part.
    steps: Vec<String>,
    /// The same, to all that may be moved there.
    moved: Vec<Vec<String>>,
    /// Tells sites that do the same from others.
    key: String,
    /// Its first bit, and how many it has.
    bit: u32,
    n_bits: u32,
    /// Forgets the part in `__whole`, by the bits in `__gone`.
    forget: TokenStream,
}

impl Site {
    fn mask(&self) -> u64 {
        ((1u64 << self.n_bits) - 1) << self.bit
    }

    /// Fields are reached through a `Box` with `*` or without.
    fn overlaps(&self, other: &Site) -> bool {
        let along = |a: &Vec<String>, b: &Vec<String>| {
            let fields = |path: &'_ Vec<String>| -> Vec<String> {
                path.iter().filter(|step| *step != "*").cloned().collect()
            };
            fields(a).iter().zip(&fields(b)).all(|(a, b)| a == b)
        };
        self.moved.iter().any(|a| other.moved.iter().any(|b| along(a, b)))
    }
}

/// The paths below `base` of what a pattern may move, as far as they have names.
fn moved_by(pat: &Pat, base: &[String], moved: &mut Vec<Vec<String>>) {
    let mut below = |step: String, pat: &Pat| {
        let path: Vec<String> = base.iter().cloned().chain([step]).collect();
        moved_by(pat, &path, moved);
    };
    match pat {
        Pat::Wild(_) | Pat::Rest(_) | Pat::Lit(_) | Pat::Range(_) | Pat::Path(_) => {}
        Pat::Ident(it) if it.by_ref.is_some() && it.subpat.is_none() => {}
        Pat::Paren(it) => moved_by(&it.pat, base, moved),
        Pat::Tuple(it) if !it.elems.iter().any(|elem| matches!(elem, Pat::Rest(_))) => {
            it.elems.iter().enumerate().for_each(|(at, elem)| below(at.to_string(), elem));
        }
        _ => moved.push(base.to_vec()),
    }
}

/// A place as a part of what owns it.
pub(super) struct Owned {
    /// The twin's local.
    owner: Ident,
    /// The part, as an expression of `__whole`.
    path: TokenStream,
    steps: Vec<String>,
}

impl Owned {
    /// The twin's local that owns it.
    pub fn owner(&self) -> &Ident {
        &self.owner
    }

    /// The owner itself.
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Lowerer {
    /// What owns the place of an expression that has just been lowered, and had `n_temps` before that.
    pub(super) fn owned(&self, e: &Expr, n_temps: u32) -> Option<Owned> {
        let mut steps = Vec::new();
        let (path, root) = match projection(e, &mut steps) {
            Some(found) => found,
            None => (quote!(__whole), strip(e)),
        };
        let owner = match self.local_of(root) {
            // A reference owns nothing.
            Some(local) if local == "__self" && !self.self_by_value => return None,
            Some(local) => local,
            // The temporary is the last one that was made on the way to the place.
            None if self.n_temps > n_temps && !self.is_place(root) => {
                format_ident!("__temp{}", self.n_temps - 1)
            }
            None => return None,
        };
        Some(Owned { owner, path, steps })
    }

    /// A local of the twin that is a place itself.
    pub(super) fn owned_local(&self, owner: Ident) -> Owned {
        Owned { owner, path: quote!(__whole), steps: Vec::new() }
    }

    /// Says of the place of `local.path` how to drop what is left of the local when it is moved out.
    pub(super) fn part_of_local(
        &mut self,
        e: &Expr,
        place: TokenStream,
        n_temps: u32,
    ) -> TokenStream {
        let Some(owned) = self.owned(e, n_temps).filter(|owned| !owned.is_whole()) else {
            return place;
        };
        let path = &owned.path;
        // The author's path may go through a raw pointer.
        let path = if self.in_unsafe { quote!(unsafe { #path }) } else { path.clone() };
        let forget = |_: u32| quote!(::core::mem::forget(#path););
        let moved = vec![owned.steps.clone()];
        self.part(owned, String::new(), moved, 1, forget, place)
    }

    /// Says of the place of a scrutinee how to drop what its patterns leave. Each has a bit if there are
    /// guards, as then the value does not say which pattern has matched.
    pub(super) fn part_by_patterns(
        &mut self,
        owned: Owned,
        patterns: &[(TokenStream, &Pat, Vec<Ident>)],
        guarded: bool,
        place: TokenStream,
    ) -> TokenStream {
        let key = quote_patterns(patterns).to_string();
        let n_bits = if guarded { patterns.len() as u32 } else { 1 };
        let path = owned.path.clone();
        let in_unsafe = self.in_unsafe;
        let forget = |bit: u32| {
            let arms = patterns.iter().enumerate().map(|(number, (cfg, pat, names))| {
                let bit = 1u64 << (bit + number as u32).min(63);
                let guard = guarded.then(|| quote!(if __gone & #bit != 0));
                quote!(#cfg #pat #guard => { #(::core::mem::forget(#names);)* })
            });
            let undone = quote!(match #path { #(#arms)* _ => {} });
            if in_unsafe { quote!(unsafe { #undone }) } else { undone }
        };
        let mut moved = Vec::new();
        patterns.iter().for_each(|(_, pat, _)| moved_by(pat, &owned.steps, &mut moved));
        self.part(owned, key, moved, n_bits, forget, place)
    }

    fn part(
        &mut self,
        owned: Owned,
        key: String,
        moved: Vec<Vec<String>>,
        n_bits: u32,
        forget: impl FnOnce(u32) -> TokenStream,
        place: TokenStream,
    ) -> TokenStream {
        let Owned { owner, steps, .. } = owned;
        let name = owner.to_string();
        let scope = self.scopes.iter().rposition(|scope| scope.contains(&name));
        let scope = scope.map_or(self.scopes.len(), |at| at + 1);
        let known = self.parts.iter().position(|(at, local, _)| (*at, local) == (scope, &name));
        let known = known.unwrap_or_else(|| {
            self.parts.push((scope, name, Vec::new()));
            self.parts.len() - 1
        });
        let sites = &mut self.parts[known].2;
        let same = |site: &Site| site.key == key && site.steps == steps;
        let at = sites.iter().position(same).unwrap_or_else(|| {
            let bit = sites.last().map_or(0, |last| last.bit + last.n_bits);
            sites.push(Site { steps, moved, key, bit, n_bits, forget: forget(bit) });
            sites.len() - 1
        });
        let site = &sites[at];
        if site.bit + site.n_bits > 63 {
            return self.unsupported(&owner, "a local that is taken apart in more than 63 ways");
        }
        let (bit, rest) = (site.bit, rest(&sites[..=at]));
        quote!(#place.part_of(&#owner, #bit, |mut __whole, __gone: u64| { #rest }))
    }
}

fn quote_patterns(patterns: &[(TokenStream, &Pat, Vec<Ident>)]) -> TokenStream {
    patterns.iter().map(|(cfg, pat, _)| quote!(#cfg #pat,)).collect()
}

/// Forgets the parts of all sites that have been passed.
fn rest(sites: &[Site]) -> TokenStream {
    let mut groups: Vec<Vec<&Site>> = Vec::new();
    for site in sites {
        let overlaps = |group: &Vec<&Site>| group.iter().any(|other| site.overlaps(other));
        let (mut mine, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(overlaps);
        mine.push(vec![site]);
        groups = others;
        groups.push(mine.concat());
    }
    let mut out = TokenStream::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let masks = group.iter().map(|site| site.mask());
        out.extend(quote! {
            if #((__gone & #masks != 0) as u32)+* > 1 {
                return ::core::mem::forget(__whole);
            }
        });
    }
    for group in groups {
        let undone = group.iter().map(|site| {
            let (mask, forget) = (site.mask(), &site.forget);
            quote!(if __gone & #mask != 0 { #forget })
        });
        out.extend(quote!(#(#undone)else*));
    }
    out
}

/// An expression of fields and `*` below something: the same below `__whole`, and what it is below.
fn projection<'e>(e: &'e Expr, steps: &mut Vec<String>) -> Option<(TokenStream, &'e Expr)> {
    let (inner, step): (&Expr, Option<&syn::Member>) = match e {
        Expr::Paren(e) => return projection(&e.expr, steps),
        Expr::Group(e) => return projection(&e.expr, steps),
        Expr::Field(f) => (&f.base, Some(&f.member)),
        Expr::Unary(u) if matches!(u.op, UnOp::Deref(_)) => (&u.expr, None),
        _ => return None,
    };
    let (base, root) = projection(inner, steps).unwrap_or_else(|| (quote!(__whole), strip(inner)));
    steps.push(step.map_or(String::from("*"), |member| quote!(#member).to_string()));
    Some(match step {
        Some(member) => (quote!(#base.#member), root),
        None => (quote!((*#base)), root),
    })
}

fn strip(e: &Expr) -> &Expr {
    match e {
        Expr::Paren(e) => strip(&e.expr),
        Expr::Group(e) => strip(&e.expr),
        e => e,
    }
}
