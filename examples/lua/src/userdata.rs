//! Userdata: objects of the host, such as open files.

use crate::gc::{Gc, Gray, Heap, Marker, Object};
use crate::stdlib::io::File;
use crate::table::Table;

/// An object that programs reach through its metatable only.
pub struct Userdata {
    /// The only kind there is.
    pub file: File,
    /// Its methods.
    pub metatable: Gc<Table>,
}

impl Object for Userdata {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_object(self.metatable);
    }

    fn size(&self) -> usize {
        size_of::<Userdata>()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Userdata>> {
        &mut heap.userdata
    }

    fn gray(handle: Gc<Userdata>) -> Gray {
        Gray::Userdata(handle)
    }
}
