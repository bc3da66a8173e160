//! The weak count of a program that is green by an `Rc` or `Arc`: what the driver keeps of it.

/// See the module documentation.
pub trait Owner {
    /// Whether the program has been dropped.
    fn is_gone(&self) -> bool;
}

impl<T: ?Sized> Owner for std::rc::Weak<T> {
    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}

impl<T: ?Sized> Owner for std::sync::Weak<T> {
    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}
