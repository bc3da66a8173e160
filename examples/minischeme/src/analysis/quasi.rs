//! Quasi-quotation: templates become calls of `cons`, `append` and `list->vector`.
//!
//! What contains no `unquote` stays a constant.

use super::{Analysis, Analyzed, Node, Scope};
use crate::reader::{Datum, DatumKind};
use crate::value::Value;
use std::rc::Rc;

impl Analysis<'_> {
    /// The template of a `quasiquote`; `level` counts those around it that are not unquoted.
    pub(super) fn template(
        &mut self,
        datum: &Datum,
        level: usize,
        scope: Option<&Scope<'_>>,
    ) -> Analyzed {
        if !has_unquote(datum) {
            return Ok(Rc::new(Node::Constant(datum.to_value())));
        }
        match &datum.kind {
            DatumKind::List(items, tail) => {
                if let Some((name, inner)) = tagged(datum) {
                    match name {
                        "unquote" if level == 1 => return self.form(inner, scope),
                        "unquote" => return self.rebuilt(datum, inner, level - 1, scope),
                        "quasiquote" => return self.rebuilt(datum, inner, level + 1, scope),
                        _ => {}
                    }
                }
                self.template_list(items, tail.as_deref(), datum, level, scope)
            }
            DatumKind::Vector(items) => {
                let list = self.template_list(items, None, datum, level, scope)?;
                Ok(self.call_builtin("list->vector", vec![list], datum.position))
            }
            _ => unreachable!("it has an unquote inside"),
        }
    }

    /// `(name inner)` on another level.
    fn rebuilt(
        &mut self,
        datum: &Datum,
        inner: &Datum,
        level: usize,
        scope: Option<&Scope<'_>>,
    ) -> Analyzed {
        let name = datum.as_list().expect("a list of two")[0].to_value();
        let inner = self.template(inner, level, scope)?;
        let name = Rc::new(Node::Constant(name));
        Ok(self.call_builtin("list", vec![name, inner], datum.position))
    }

    fn template_list(
        &mut self,
        items: &[Datum],
        tail: Option<&Datum>,
        datum: &Datum,
        level: usize,
        scope: Option<&Scope<'_>>,
    ) -> Analyzed {
        let mut list = match tail {
            Some(tail) => self.template(tail, level, scope)?,
            None => Rc::new(Node::Constant(Value::Nil)),
        };
        for (i, item) in items.iter().enumerate().rev() {
            // `(a . ,b)` is read as `(a unquote b)`.
            if let [Datum { kind: DatumKind::Symbol(name), .. }, inner] = &items[i..]
                && &**name == "unquote"
                && level == 1
                && i > 0
            {
                list = self.form(inner, scope)?;
                continue;
            }
            list = match tagged(item) {
                Some(("unquote-splicing", inner)) if level == 1 => {
                    let spliced = self.form(inner, scope)?;
                    self.call_builtin("append", vec![spliced, list], datum.position)
                }
                Some(("unquote-splicing", inner)) => {
                    let item = self.rebuilt(item, inner, level - 1, scope)?;
                    self.call_builtin("cons", vec![item, list], datum.position)
                }
                _ => {
                    let item = self.template(item, level, scope)?;
                    self.call_builtin("cons", vec![item, list], datum.position)
                }
            };
        }
        Ok(list)
    }
}

/// The name and the datum of `(name datum)`.
fn tagged(datum: &Datum) -> Option<(&str, &Datum)> {
    match datum.as_list()? {
        [head, inner] => Some((head.as_symbol()?, inner)),
        _ => None,
    }
}

fn has_unquote(datum: &Datum) -> bool {
    match &datum.kind {
        DatumKind::Symbol(name) => ["unquote", "unquote-splicing"].contains(&&**name),
        DatumKind::List(items, tail) => items.iter().chain(tail.as_deref()).any(has_unquote),
        DatumKind::Vector(items) => items.iter().any(has_unquote),
        DatumKind::Constant(_) => false,
    }
}
