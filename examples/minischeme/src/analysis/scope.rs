//! The names of an environment while its code is analysed.

use crate::error::Error;
use crate::reader::Datum;
use std::cell::RefCell;
use std::rc::Rc;

/// The names of one environment, in the order of its slots, and the scope around it.
pub(crate) struct Scope<'s> {
    names: RefCell<Vec<Rc<str>>>,
    parent: Option<&'s Scope<'s>>,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(parent: Option<&'s Scope<'s>>) -> Scope<'s> {
        Scope { names: RefCell::default(), parent }
    }

    /// Adds a parameter.
    pub(crate) fn declare(&self, parameter: &Datum) -> Result<(), Error> {
        let error = || parameter.error("this is not a name");
        let name = parameter.as_symbol().ok_or_else(error)?;
        if self.names.borrow().contains(name) {
            return Err(parameter.error(format!("{name} is there twice")));
        }
        self.names.borrow_mut().push(Rc::clone(name));
        Ok(())
    }

    /// Adds a name if it is not there yet: a definition may stand for a parameter, or another one.
    pub(crate) fn add(&self, name: Rc<str>) {
        let mut names = self.names.borrow_mut();
        if !names.contains(&name) {
            names.push(name);
        }
    }

    /// The number of slots.
    pub(crate) fn size(&self) -> usize {
        self.names.borrow().len()
    }

    /// How many environments out a name is, and its slot there.
    pub(crate) fn lookup(&self, name: &str) -> Option<(usize, usize)> {
        let mut scope = self;
        let mut depth = 0;
        loop {
            if let Some(index) = scope.names.borrow().iter().position(|known| **known == *name) {
                return Some((depth, index));
            }
            scope = scope.parent?;
            depth += 1;
        }
    }
}
