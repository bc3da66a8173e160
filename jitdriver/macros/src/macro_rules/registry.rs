//! Macros with `#[jit]` on them, by their names.
//!
//! rustc expands attributes in the order of the source, all in one process, so that a `#[jit]` function
//! behind the macro finds it here. Where that does not hold (an editor that expands a function by itself, a
//! macro of another crate), nothing is found, and the call is run as it is written.
//!
//! A name is not a macro: two modules may have one of the same name. So the macro answers, for a question that
//! only the twin asks, which one it is.

use super::definition::Definition;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{LazyLock, Mutex};
use syn::ItemMacro;

/// Where a macro is defined, and its tokens as text: tokens live no longer than one expansion.
struct Entry {
    file: String,
    text: String,
    fingerprint: u64,
}

/// Crate and name.
type Key = (String, String);

/// Each in order of definition.
static MACROS: LazyLock<Mutex<HashMap<Key, Vec<Entry>>>> = LazyLock::new(Mutex::default);

fn key(name: &Ident) -> Key {
    (std::env::var("CARGO_CRATE_NAME").unwrap_or_default(), name.to_string())
}

fn file(name: &Ident) -> String {
    name.span().unwrap().file()
}

/// What a macro with `#[jit]` is asked.
pub fn question() -> TokenStream {
    quote!(@ __jit_fingerprint)
}

/// Notes a macro. It is emitted with one more rule, which answers its fingerprint.
pub fn note(item: &ItemMacro) -> TokenStream {
    let definition = item.ident.as_ref().zip(Definition::new(&item.mac.tokens).ok());
    let Some((name, definition)) = definition else { return quote!(#item) };
    let fingerprint = definition.fingerprint;
    let entry = Entry { file: file(name), text: item.mac.tokens.to_string(), fingerprint };
    MACROS.lock().expect("nothing panics with it").entry(key(name)).or_default().push(entry);
    let mut answering = item.clone();
    let (rules, question) = (&item.mac.tokens, question());
    answering.mac.tokens = quote!((#question) => { #fingerprint }; #rules);
    quote!(#answering)
}

/// The macro of that name: the last one of its file, or of the crate.
pub fn find(name: &Ident) -> Option<Rc<Definition>> {
    if !proc_macro::is_available() {
        return None;
    }
    let macros = MACROS.lock().expect("nothing panics with it");
    let known = macros.get(&key(name))?;
    let file = file(name);
    let entry = known.iter().rev().find(|it| it.file == file).or(known.last())?;
    let tokens: TokenStream = entry.text.parse().ok()?;
    let mut definition = Definition::new(&tokens).ok()?;
    // The text may be spaced otherwise than it was.
    definition.fingerprint = entry.fingerprint;
    Some(Rc::new(definition))
}
