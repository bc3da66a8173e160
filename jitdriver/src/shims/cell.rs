//! Methods of `Cell`, `RefCell` and `Rc`, and `std::mem`.

use crate::plumbing::{
    Assoc, CallSite, Callee, Method, Place, Rec, Residual, StdTwin, Target, Traceable, Traced,
    cell, ops, owned,
};
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

/// Methods of `Cell`.
#[allow(missing_docs)]
pub trait CellShims<T> {
    fn __jit_get(&self) -> StdTwin<fn(Rec, Place<Cell<T>>) -> Traced<T>>
    where
        T: Copy;
    fn __jit_set(&self) -> StdTwin<fn(Rec, Place<Cell<T>>, Traced<T>) -> Traced<()>>;
    fn __jit_replace(&self) -> StdTwin<fn(Rec, Place<Cell<T>>, Traced<T>) -> Traced<T>>;
    fn __jit_take(&self) -> StdTwin<fn(Rec, Place<Cell<T>>) -> Traced<T>>
    where
        T: Default;
}

impl<T> CellShims<T> for Cell<T> {
    fn __jit_get(&self) -> StdTwin<fn(Rec, Place<Cell<T>>) -> Traced<T>>
    where
        T: Copy,
    {
        StdTwin(|rec, this| this.content(rec).read_any(rec))
    }
    fn __jit_set(&self) -> StdTwin<fn(Rec, Place<Cell<T>>, Traced<T>) -> Traced<()>> {
        StdTwin(|rec, this, value| {
            drop(cell::replace(rec, this.content(rec), value));
            Traced::constant(())
        })
    }
    fn __jit_replace(&self) -> StdTwin<fn(Rec, Place<Cell<T>>, Traced<T>) -> Traced<T>> {
        StdTwin(|rec, this, value| cell::replace(rec, this.content(rec), value))
    }
    fn __jit_take(&self) -> StdTwin<fn(Rec, Place<Cell<T>>) -> Traced<T>>
    where
        T: Default,
    {
        StdTwin(|rec, this| {
            let value = super::option::default::<T>(rec);
            cell::replace(rec, this.content(rec), value)
        })
    }
}

/// Methods of `RefCell`.
#[allow(missing_docs)]
pub trait RefCellShims {
    /// What is in it.
    type Content;
    fn __jit_borrow(&self) -> Borrow;
    fn __jit_borrow_mut(&self) -> BorrowMut;
    fn __jit_get_mut<'a>(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<&'a mut Self::Content>>
    where
        Self: Sized,
        Self::Content: 'a;
}

impl<T> RefCellShims for RefCell<T> {
    type Content = T;
    fn __jit_borrow(&self) -> Borrow {
        Borrow
    }
    fn __jit_borrow_mut(&self) -> BorrowMut {
        BorrowMut
    }
    fn __jit_get_mut<'a>(&self) -> StdTwin<fn(Rec, Place<RefCell<T>>) -> Traced<&'a mut T>>
    where
        T: 'a,
    {
        StdTwin(|rec, this| this.content(rec).exclusive(rec))
    }
}

macro_rules! borrows {
    ($($token:ident $method:ident $guard:ident;)*) => {$(
        /// The method of this name.
        #[derive(Clone, Copy)]
        pub struct $token;

        impl<'x, T, FN> Method<'x, RefCell<T>, (), FN> for $token
        where
            T: 'x,
            FN: Fn(&'x mut Target<RefCell<T>>) -> $guard<'x, T> + Copy,
        {
            type Out = Traced<$guard<'x, T>>;
            #[track_caller]
            fn call_method(
                self,
                rec: Rec,
                site: &'static CallSite,
                this: Place<RefCell<T>>,
                (): (),
                plain: FN,
            ) -> Traced<$guard<'x, T>> {
                match this.$method(rec) {
                    Some(guard) => guard,
                    // It panics, as the author's call does.
                    None => Method::call_method(Residual, rec, site, this, (), plain),
                }
            }
        }
    )*};
}

borrows! {
    Borrow borrow Ref;
    BorrowMut borrow_mut RefMut;
}

/// Methods of `Rc`.
#[allow(missing_docs)]
pub trait RcShims<T> {
    fn __jit_clone(&self) -> StdTwin<fn(Rec, Place<Rc<T>>) -> Traced<Rc<T>>>;
    fn __jit_as_ref<'a>(&self) -> StdTwin<fn(Rec, Place<Rc<T>>) -> Traced<&'a T>>
    where
        T: 'a;
}

impl<T> RcShims<T> for Rc<T> {
    fn __jit_clone(&self) -> StdTwin<fn(Rec, Place<Rc<T>>) -> Traced<Rc<T>>> {
        StdTwin(|rec, this| this.clone_rc(rec))
    }
    fn __jit_as_ref<'a>(&self) -> StdTwin<fn(Rec, Place<Rc<T>>) -> Traced<&'a T>>
    where
        T: 'a,
    {
        StdTwin(|rec, this| crate::plumbing::Peel::of(&this).peel(rec).shared(rec))
    }
}

/// Associated functions of `Rc`.
#[allow(missing_docs, non_snake_case)]
pub trait RcFunctions<'a, T> {
    fn __jit_Rc_clone(&self) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>) -> Traced<Rc<T>>>;
}

impl<'a, T> RcFunctions<'a, T> for Assoc<(&'a Rc<T>,), Rc<T>> {
    fn __jit_Rc_clone(&self) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>) -> Traced<Rc<T>>> {
        StdTwin(|rec, this| this.place(rec).clone_rc(rec))
    }
}

/// `Cell::new`.
#[allow(missing_docs, non_snake_case)]
pub trait CellNew<T> {
    fn __jit_Cell_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Cell<T>>>;
}

impl<T> CellNew<T> for Assoc<(T,), Cell<T>> {
    fn __jit_Cell_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Cell<T>>> {
        StdTwin(|_, content| Traced::cell(content))
    }
}

/// `RefCell::new`.
#[allow(missing_docs, non_snake_case)]
pub trait RefCellNew<T> {
    fn __jit_RefCell_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<RefCell<T>>>;
}

impl<T> RefCellNew<T> for Assoc<(T,), RefCell<T>> {
    fn __jit_RefCell_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<RefCell<T>>> {
        StdTwin(|_, content| Traced::ref_cell(content))
    }
}

/// `Box::new`.
#[allow(missing_docs, non_snake_case)]
pub trait BoxFunctions<T> {
    fn __jit_Box_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Box<T>>>;
}

impl<T> BoxFunctions<T> for Assoc<(T,), Box<T>> {
    fn __jit_Box_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Box<T>>> {
        StdTwin(owned::box_new)
    }
}

/// `Rc::new`.
#[allow(missing_docs, non_snake_case)]
pub trait RcNew<T> {
    fn __jit_Rc_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Rc<T>>>;
}

impl<T> RcNew<T> for Assoc<(T,), Rc<T>> {
    fn __jit_Rc_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Rc<T>>> {
        StdTwin(owned::rc_new)
    }
}

// Found first, where the layout of the content is known.
#[allow(missing_docs, non_snake_case)]
impl<T: Traceable> Assoc<(T,), Box<T>> {
    pub fn __jit_Box_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Box<T>>> {
        StdTwin(owned::box_new_known)
    }
}

#[allow(missing_docs, non_snake_case)]
impl<T: Traceable> Assoc<(T,), Rc<T>> {
    pub fn __jit_Rc_new(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<Rc<T>>> {
        StdTwin(owned::rc_new_known)
    }
}

/// Associated functions of `Rc` that count.
#[allow(missing_docs, non_snake_case)]
pub trait RcCounts<'a, T> {
    fn __jit_Rc_strong_count(&self) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>) -> Traced<usize>>;
}

impl<'a, T> RcCounts<'a, T> for Assoc<(&'a Rc<T>,), usize> {
    fn __jit_Rc_strong_count(&self) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>) -> Traced<usize>> {
        StdTwin(|rec, this| this.place(rec).strong_count(rec))
    }
}

/// Associated functions of `Rc` that compare.
#[allow(missing_docs, non_snake_case)]
pub trait RcPointers<'a, T> {
    fn __jit_Rc_ptr_eq(
        &self,
    ) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>, Traced<&'a Rc<T>>) -> Traced<bool>>;
}

impl<'a, T> RcPointers<'a, T> for Assoc<(&'a Rc<T>, &'a Rc<T>), bool> {
    fn __jit_Rc_ptr_eq(
        &self,
    ) -> StdTwin<fn(Rec, Traced<&'a Rc<T>>, Traced<&'a Rc<T>>) -> Traced<bool>> {
        StdTwin(|rec, a, b| {
            let word = |rc: Traced<&'a Rc<T>>| rc.place(rec).part::<usize>(rec, 0).read(rec);
            let (a, b) = (word(a), word(b));
            ops::eq(rec, a, b)
        })
    }
}

/// A token for a function of std with this name; another function of the name is called.
#[derive(Clone, Copy)]
pub struct OnlyStd<T>(pub T, pub &'static str, pub &'static str);

/// The name of a function's type.
pub fn type_name_of<F>(_: &F) -> &'static str {
    std::any::type_name::<F>()
}

impl<A, R, F, T> Callee<A, F> for OnlyStd<T>
where
    T: Callee<A, F, Out = Traced<R>>,
    Residual: Callee<A, F, Out = Traced<R>>,
{
    type Out = Traced<R>;
    fn call(self, rec: Rec, site: &'static CallSite, args: A, plain: F) -> Traced<R> {
        // `core` is the name of one crate only.
        match self.1.strip_prefix(self.2).is_some_and(|rest| rest.starts_with('<')) {
            true => Callee::call(self.0, rec, site, args, plain),
            false => Callee::call(Residual, rec, site, args, plain),
        }
    }
}

/// `std::mem::swap`.
#[allow(missing_docs)]
pub trait MemSwap<'a, 'b, T> {
    fn __jit_mem_swap(
        &self,
    ) -> StdTwin<fn(Rec, Traced<&'a mut T>, Traced<&'b mut T>) -> Traced<()>>;
}

impl<'a, 'b, T> MemSwap<'a, 'b, T> for Assoc<(&'a mut T, &'b mut T), ()> {
    fn __jit_mem_swap(
        &self,
    ) -> StdTwin<fn(Rec, Traced<&'a mut T>, Traced<&'b mut T>) -> Traced<()>> {
        StdTwin(|rec, a, b| {
            cell::swap(rec, a.place(rec), b.place(rec));
            Traced::constant(())
        })
    }
}

/// `std::mem::replace`.
#[allow(missing_docs)]
pub trait MemReplace<'a, T> {
    fn __jit_mem_replace(&self) -> StdTwin<fn(Rec, Traced<&'a mut T>, Traced<T>) -> Traced<T>>;
}

impl<'a, T> MemReplace<'a, T> for Assoc<(&'a mut T, T), T> {
    fn __jit_mem_replace(&self) -> StdTwin<fn(Rec, Traced<&'a mut T>, Traced<T>) -> Traced<T>> {
        StdTwin(|rec, place, value| cell::replace(rec, place.place(rec), value))
    }
}

/// `drop`.
#[allow(missing_docs)]
pub trait MemDrop<T> {
    fn __jit_mem_drop(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<()>>;
}

impl<T> MemDrop<T> for Assoc<(T,), ()> {
    fn __jit_mem_drop(&self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<()>> {
        StdTwin(|_, value| {
            drop(value);
            Traced::constant(())
        })
    }
}

/// `std::mem::take`.
#[allow(missing_docs)]
pub trait MemTake<'a, T> {
    fn __jit_mem_take(&self) -> StdTwin<fn(Rec, Traced<&'a mut T>) -> Traced<T>>;
}

impl<'a, T: Default> MemTake<'a, T> for Assoc<(&'a mut T,), T> {
    fn __jit_mem_take(&self) -> StdTwin<fn(Rec, Traced<&'a mut T>) -> Traced<T>> {
        StdTwin(|rec, place| {
            let value = super::option::default::<T>(rec);
            cell::replace(rec, place.place(rec), value)
        })
    }
}
