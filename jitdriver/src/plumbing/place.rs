//! Places: where the twin reads and writes, in memory or in its own locals.
//!
//! An address is kept symbolic, as base + index · scale + offset, so that `self.frames[k].sp` is one
//! load or store of the trace, and so that passing `&mut self.stack` to a traced method records
//! nothing. A reference to a local of the twin is no address at all: it names the local ("shadow"),
//! and reads and writes through it move trace values.
//!
//! The borrow checker has passed the plain function, which makes the same accesses in the same
//! order; that is why the twin may hold raw pointers.
#![expect(unsafe_code, reason = "reads and writes the interpreter's memory")]

use super::rec::Rec;
use super::value::{Args, Scalar, Traceable, Traced};
use metainterp::abort::Abort;
use metainterp::ir::{Const, MemDescr, Opcode, Ty};
use metainterp::record::{Arg, Lane};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// What the trace knows of an address.
#[derive(Clone, Copy)]
pub struct Addr {
    shadow: Option<Shadow>,
    base: u64,
    base_lane: Lane,
    index: u64,
    index_lane: Lane,
    /// Bytes per index; 0 for no index.
    scale: u32,
    offset: i32,
    meta_lane: Lane,
    frozen: bool,
    /// As long as base and index are constant, they lead into green data: frozen, but known to be so in
    /// this recording only.
    green: bool,
    class: Class,
}

/// Which memory an address is in, as far as the twin knows: accesses of different classes, other than
/// `ANY`, never overlap.
///
/// A portal's red that is a `&mut T` and never reassigned, or a local that stays in memory, is the only
/// way to its object as long as the portal runs: what is reached from it without going through a
/// pointer is a class of its own. The buffer of a `Vec` that was reached through its header is heap
/// memory that belongs to that `Vec`; an object that is exclusively borrowed at the same time does
/// not lie in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Class(u32);

impl Class {
    const ANY: Class = Class(0);
    const VEC_BUFFER: Class = Class(1);

    /// The object that the portal's red of this number has to itself.
    pub(crate) fn of_red(number: usize) -> Class {
        Class(2 + number as u32)
    }
}

impl Addr {
    fn new(base: u64, base_lane: Lane, meta_lane: Lane, frozen: bool) -> Addr {
        Addr {
            shadow: None,
            base,
            base_lane,
            index: 0,
            index_lane: Lane::CONST,
            scale: 0,
            offset: 0,
            meta_lane,
            frozen,
            green: false,
            class: Class::ANY,
        }
    }

    /// The word of this type there. `read` reads it.
    fn load(&self, rec: Rec, ty: Ty, read: impl FnOnce() -> u64) -> (u64, Lane) {
        rec.load(self.base(), self.index(), &self.descr(ty), self.green, read)
    }

    fn base(&self) -> Arg {
        Arg::new(self.base_lane, Ty::Ptr, self.base)
    }

    fn index(&self) -> Option<Arg> {
        (self.scale != 0).then(|| Arg::new(self.index_lane, Ty::I64, self.index))
    }

    fn descr(&self, ty: Ty) -> MemDescr {
        MemDescr {
            ty,
            offset: self.offset,
            scale: self.scale,
            class: self.class.0,
            frozen: self.frozen,
        }
    }

    /// Adds a constant; false if it does not fit.
    fn add_offset(&mut self, bytes: isize) -> bool {
        match i32::try_from(self.offset as isize + bytes) {
            Ok(offset) => {
                self.offset = offset;
                true
            }
            Err(_) => false,
        }
    }

    /// Makes room for an index, by computing the address so far if there is one already.
    fn add_index(&mut self, rec: Rec, index: &Traced<usize>, scale: usize) {
        let fits = i32::try_from(scale).is_ok() && scale > 0;
        if index.lane().is_const()
            && !self.base_lane.is_const()
            && let Some(bytes) = index.get().checked_mul(scale)
            && let Ok(bytes) = isize::try_from(bytes)
            && self.add_offset(bytes)
        {
            return;
        }
        if !fits {
            if scale > 0 {
                rec.abort(Abort::Refused);
            }
            return;
        }
        if self.scale != 0 {
            let address = self.address(rec);
            let Addr { meta_lane, frozen, green, class, .. } = *self;
            let computed = Addr::new(address.concrete.bits, address.lane, meta_lane, frozen);
            *self = Addr { green, class, ..computed };
        }
        self.index = index.get() as u64;
        self.index_lane = index.lane();
        self.scale = scale as u32;
    }

    /// Records the computation of the address.
    fn address(&self, rec: Rec) -> Arg {
        let mut address = self.base();
        if let Some(index) = self.index() {
            let scale = Arg::constant(Ty::I64, u64::from(self.scale));
            let bytes = Const::new(Ty::I64, self.index.wrapping_mul(u64::from(self.scale)));
            let lane = rec.op_silently(Opcode::IntMul, &[index, scale], bytes);
            address = add(rec, address, Arg { lane, concrete: bytes });
        }
        if self.offset != 0 {
            address = add(rec, address, Arg::constant(Ty::I64, i64::from(self.offset) as u64));
        }
        address
    }
}

fn add(rec: Rec, address: Arg, bytes: Arg) -> Arg {
    let sum = address.concrete.bits.wrapping_add(bytes.concrete.bits);
    let concrete = Const::new(Ty::Ptr, sum);
    Arg { lane: rec.op_silently(Opcode::PtrAdd, &[address, bytes], concrete), concrete }
}

/// A local of the twin, as what a reference refers to.
#[derive(Clone, Copy)]
pub(crate) struct Shadow {
    local: *mut (),
    pub(crate) vtable: &'static ShadowVtable,
}

/// How to handle a local without knowing its type.
pub struct ShadowVtable {
    pub(crate) tys: &'static [Ty],
    args: unsafe fn(Rec, *mut ()) -> Args,
    set: unsafe fn(*mut (), &[Arg]),
    /// Writes the value with these words to memory of the local's plain type.
    pub(crate) to_memory: unsafe fn(&[u64], *mut u8),
    /// Reads the words of a value from memory of the local's plain type.
    pub(crate) from_memory: unsafe fn(*const u8, &mut [u64]),
    /// Size of the plain type, and its alignment.
    pub(crate) layout: (usize, usize),
}

trait HasVtable {
    const VTABLE: ShadowVtable;
}

impl<T: Traceable> HasVtable for T {
    const VTABLE: ShadowVtable = ShadowVtable {
        tys: T::TYS,
        // SAFETY: `Shadow::of` stores this table with the address of a `Traced<T>`; the local outlives
        // all references to it, as in the plain function.
        args: |rec, local| unsafe { (*local.cast::<Traced<T>>()).dup() }.args(rec),
        // SAFETY: as above; the words are those of a value that a call has just handed back.
        set: |local, args| unsafe {
            let words: SmallVec<[u64; 4]> = args.iter().map(|arg| arg.concrete.bits).collect();
            let lanes: SmallVec<[Lane; 4]> = args.iter().map(|arg| arg.lane).collect();
            *local.cast::<Traced<T>>() = Traced::with_lanes(T::from_words(&words), &lanes);
        },
        // SAFETY: the caller gives memory of size and alignment of `T`.
        to_memory: |words, memory| unsafe {
            memory.cast::<MaybeUninit<T>>().write(T::from_words(words));
        },
        // SAFETY: the caller gives memory that holds a `T`.
        from_memory: |memory, words| unsafe {
            T::to_words(&memory.cast::<MaybeUninit<T>>().read(), words);
        },
        layout: (size_of::<T>(), align_of::<T>()),
    };
}

impl Shadow {
    fn of<T: Traceable>(local: *mut Traced<T>) -> Shadow {
        Shadow { local: local.cast(), vtable: const { &T::VTABLE } }
    }

    pub(crate) fn args(self, rec: Rec) -> Args {
        // SAFETY: table and local belong together (`Shadow::of`).
        unsafe { (self.vtable.args)(rec, self.local) }
    }

    pub(crate) fn set(self, args: &[Arg]) {
        // SAFETY: table and local belong together (`Shadow::of`).
        unsafe { (self.vtable.set)(self.local, args) }
    }
}

/// Types that can be pointed to: sized types, slices, `str`.
pub trait Pointee {
    /// A pointer to it is two words.
    const FAT: bool;
    /// Address and length.
    fn split(ptr: *const Self) -> (*const u8, usize);
    /// The inverse.
    fn join(address: *const u8, meta: usize) -> *const Self;
}

impl<T> Pointee for T {
    const FAT: bool = false;
    fn split(ptr: *const T) -> (*const u8, usize) {
        (ptr.cast(), 0)
    }
    fn join(address: *const u8, _: usize) -> *const T {
        address.cast()
    }
}

impl<T> Pointee for [T] {
    const FAT: bool = true;
    fn split(ptr: *const [T]) -> (*const u8, usize) {
        (ptr.cast(), ptr.len())
    }
    fn join(address: *const u8, meta: usize) -> *const [T] {
        std::ptr::slice_from_raw_parts(address.cast(), meta)
    }
}

impl Pointee for str {
    const FAT: bool = true;
    fn split(ptr: *const str) -> (*const u8, usize) {
        (ptr.cast(), (ptr as *const [u8]).len())
    }
    fn join(address: *const u8, meta: usize) -> *const str {
        std::ptr::slice_from_raw_parts(address, meta) as *const str
    }
}

/// Where a value is.
pub struct Place<T: ?Sized> {
    pub(crate) ptr: *mut T,
    addr: Addr,
}

impl<T: ?Sized> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Place<T> {}

impl<T: ?Sized + Pointee> Place<T> {
    fn memory(ptr: *mut T, base_lane: Lane, meta_lane: Lane, frozen: bool) -> Place<T> {
        let (address, _) = T::split(ptr);
        Place {
            ptr,
            addr: Addr::new(address.expose_provenance() as u64, base_lane, meta_lane, frozen),
        }
    }

    /// A constant or an immutable static: its memory never changes.
    pub fn of_static(place: &'static T) -> Place<T> {
        Place::memory(std::ptr::from_ref(place).cast_mut(), Lane::CONST, Lane::CONST, true)
    }

    /// `&place`.
    pub fn shared<'a>(self) -> Traced<&'a T> {
        Traced { value: pointer_bits(self.ptr), lanes: self.addr }
    }

    /// `&mut place`.
    pub fn exclusive<'a>(self) -> Traced<&'a mut T> {
        Traced { value: pointer_bits(self.ptr), lanes: self.addr }
    }

    pub(crate) fn shadow(&self) -> Option<Shadow> {
        self.addr.shadow
    }

    /// The place that many bytes behind.
    pub(super) fn behind(mut self, bytes: usize) -> Place<T> {
        assert!(self.addr.add_offset(bytes as isize), "offset out of range");
        self.ptr = self.ptr.wrapping_byte_add(bytes);
        self
    }

    /// This place in memory that changes as little as that of `other`, or that is green.
    pub(super) fn as_immutable_as<U: ?Sized>(mut self, other: &Place<U>, green: bool) -> Place<T> {
        self.addr.frozen = other.addr.frozen;
        self.addr.green = green || other.addr.green;
        self
    }

    /// The machine arguments of a pointer to this place.
    pub(crate) fn pointer_args(self, rec: Rec) -> Args {
        self.shared().args(rec)
    }
}

impl<T: ?Sized> Place<T> {
    /// The receiver, for finding a method on it. The method found looks at the type only.
    pub fn probe<'x>(&self) -> &'x T {
        // SAFETY: a place is made of a value that is there, and the reference is gone before the twin
        // that it leads to touches anything.
        unsafe { &*self.ptr }
    }

    /// The same place, as that of a value of another type.
    pub(super) fn reinterpret<U>(self) -> Place<U> {
        Place { ptr: self.ptr.cast(), addr: self.addr }
    }

    /// The place of a field. `project` is the author's own field access; only the distance counts.
    pub fn field<U>(self, rec: Rec, project: impl FnOnce(&T) -> *const U) -> Place<U> {
        let part = project(self.probe());
        let bytes = part.addr().wrapping_sub(self.ptr.cast::<u8>().addr()) as isize;
        let inside = bytes >= 0 && bytes as usize + size_of::<U>() <= size_of_val(self.probe());
        let mut addr = self.addr;
        if inside && addr.shadow.is_none() && addr.add_offset(bytes) {
            return Place { ptr: self.ptr.wrapping_byte_offset(bytes).cast(), addr };
        }
        rec.abort(match addr.shadow {
            Some(_) => Abort::LocalEscapes,
            // The access went through a `Deref` that is not known here.
            None => Abort::UnknownDeref,
        });
        let ptr = match inside {
            true => self.ptr.wrapping_byte_offset(bytes).cast(),
            false => part.cast_mut(),
        };
        Place {
            ptr,
            addr: Addr::new(ptr.expose_provenance() as u64, Lane::CONST, Lane::CONST, false),
        }
    }
}

impl<T: Traceable> Place<T> {
    /// Reads.
    pub fn read(self, rec: Rec) -> Traced<T> {
        match self.addr.shadow {
            // SAFETY: the place was made from a `Traced<T>` local that is alive as in the plain function.
            Some(shadow) => unsafe { (*shadow.local.cast::<Traced<T>>()).dup() },
            // SAFETY: the plain function reads this place here too.
            None => unsafe { T::load(rec, self) },
        }
    }

    /// Writes.
    pub fn write(self, rec: Rec, value: Traced<T>) {
        match self.addr.shadow {
            // SAFETY: as in `read`.
            Some(shadow) => unsafe { *shadow.local.cast::<Traced<T>>() = value },
            // SAFETY: the plain function writes this place here too.
            None => unsafe { T::store(rec, self, value) },
        }
    }
}

impl<T: Scalar> Place<T> {
    /// # Safety
    /// The place can be read.
    pub(crate) unsafe fn load_scalar(self, rec: Rec) -> Traced<T> {
        let Addr { base, .. } = self.addr;
        debug_assert!(base != 0, "a place at null");
        // SAFETY: the caller vouches for the place.
        let read = || unsafe { self.ptr.read() }.bits();
        let (bits, lane) = self.addr.load(rec, T::TY, read);
        Traced::scalar(T::of_bits(bits), lane)
    }

    /// # Safety
    /// The place can be written.
    pub(crate) unsafe fn store_scalar(self, rec: Rec, value: Traced<T>) {
        // SAFETY: the caller vouches for the place.
        let write = || unsafe { self.ptr.write(value.get()) };
        let descr = self.addr.descr(T::TY);
        rec.store(self.addr.base(), self.addr.index(), value.arg(), &descr, write);
    }
}

fn pointer_bits<T: ?Sized, P>(ptr: *mut T) -> MaybeUninit<P> {
    assert_eq!(size_of::<*mut T>(), size_of::<P>());
    let mut bits = MaybeUninit::<P>::uninit();
    // SAFETY: `P` is a reference or raw pointer to `T`, which has the representation of `*mut T`
    // (sizes are compared above), and `bits` is as large.
    unsafe { bits.as_mut_ptr().cast::<*mut T>().write(ptr) };
    bits
}

fn pointer_of<T: ?Sized, P>(bits: &MaybeUninit<P>) -> *mut T {
    assert_eq!(size_of::<*mut T>(), size_of::<P>());
    // SAFETY: as in `pointer_bits`, which made the bits, or the author's own reference did.
    unsafe { bits.as_ptr().cast::<*mut T>().read() }
}

/// Byte offsets of address and length in a fat pointer.
fn fat_layout() -> (isize, isize) {
    let slice: *const [u8] = std::ptr::slice_from_raw_parts(std::ptr::without_provenance(64), 3);
    // SAFETY: a pointer to a slice is two words, all initialized.
    let words: [usize; 2] = unsafe { std::mem::transmute(slice) };
    if words == [64, 3] { (0, 8) } else { (8, 0) }
}

macro_rules! pointer {
    ($(<$($lifetime:lifetime)?> $ty:ty, $keeps_frozen:expr, $exclusive:expr;)*) => {$(
        // SAFETY: the words are address and length; the bits are copied like those of a raw pointer.
        unsafe impl<$($lifetime,)? T: ?Sized + Pointee> Traceable for $ty {
            type Lanes = Addr;
            const TYS: &'static [Ty] = if T::FAT { &[Ty::Ptr, Ty::I64] } else { &[Ty::Ptr] };

            fn constant_lanes(value: &MaybeUninit<Self>, frozen: bool) -> Addr {
                let (address, _) = T::split(pointer_of::<T, Self>(value));
                let bits = address.expose_provenance() as u64;
                Addr::new(bits, Lane::CONST, Lane::CONST, frozen && $keeps_frozen)
            }

            fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]) {
                let (address, meta) = T::split(pointer_of::<T, Self>(value));
                words[0] = address.expose_provenance() as u64;
                if T::FAT {
                    words[1] = meta as u64;
                }
            }

            unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self> {
                let address = std::ptr::with_exposed_provenance(words[0] as usize);
                let meta = if T::FAT { words[1] as usize } else { 0 };
                pointer_bits(T::join(address, meta).cast_mut())
            }

            fn lanes(rec: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>) {
                let addr = &value.lanes;
                if addr.shadow.is_some() {
                    rec.abort(Abort::LocalEscapes);
                    out.push(Lane::CONST);
                } else {
                    out.push(addr.address(rec).lane);
                }
                if T::FAT {
                    out.push(addr.meta_lane);
                }
            }

            fn exclusive(lanes: &mut Addr, class: Class) {
                if $exclusive {
                    set_class(lanes, class);
                }
            }

            fn from_lanes(value: &MaybeUninit<Self>, lanes: &[Lane]) -> Addr {
                let (address, _) = T::split(pointer_of::<T, Self>(value));
                let meta = if T::FAT { lanes[1] } else { Lane::CONST };
                Addr::new(address.expose_provenance() as u64, lanes[0], meta, false)
            }

            unsafe fn load(rec: Rec, place: Place<Self>) -> Traced<Self> {
                // SAFETY: the caller vouches for the place; a pointer is one or two words.
                let words = unsafe { load_words(rec, place.addr, place.ptr.cast(), T::FAT) };
                let bits: SmallVec<[u64; 2]> = words.iter().map(|w| w.concrete.bits).collect();
                // SAFETY: the words were just read from the author's pointer, or saved from it.
                let value = unsafe { Self::from_words(&bits) };
                let meta = words.get(1).map_or(Lane::CONST, |word| word.lane);
                let frozen = place.addr.frozen && $keeps_frozen;
                let known = || !$exclusive && rec.is_green(typeid::of::<T>(), &words);
                let green = $keeps_frozen && (place.addr.green || known());
                Traced { value, lanes: Addr { green, ..Addr::new(bits[0], words[0].lane, meta, frozen) } }
            }

            unsafe fn store(rec: Rec, place: Place<Self>, value: Traced<Self>) {
                let args = value.args(rec);
                // SAFETY: the caller vouches for the place; a pointer is one or two words.
                unsafe { store_words(rec, place.addr, place.ptr.cast(), &args) }
            }
        }

        impl<$($lifetime,)? T: ?Sized + Pointee> Traced<$ty> {
            /// What it points to.
            pub fn place(&self) -> Place<T> {
                Place { ptr: pointer_of(&self.value), addr: self.lanes }
            }
        }

        impl<$($lifetime,)? T: ?Sized + Pointee> Peel<$ty> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                self.0.read(rec).place()
            }
        }
    )*};
}

pointer! {
    <'a> &'a T, true, false;
    <'a> &'a mut T, true, true;
    <> *const T, false, false;
    <> *mut T, false, false;
}

/// # Safety
/// A thin or fat pointer can be read at `memory`, which is the address `addr`.
unsafe fn load_words(rec: Rec, addr: Addr, memory: *const u8, fat: bool) -> SmallVec<[Arg; 2]> {
    let load = |ty: Ty, bytes: isize| {
        let mut addr = addr;
        assert!(addr.add_offset(bytes), "offset out of range");
        // SAFETY: the caller vouches for the memory.
        let read = || unsafe { memory.offset(bytes).cast::<u64>().read() };
        let (bits, lane) = addr.load(rec, ty, read);
        Arg::new(lane, ty, bits)
    };
    if !fat {
        return SmallVec::from_iter([load(Ty::Ptr, 0)]);
    }
    let (address, meta) = fat_layout();
    SmallVec::from_iter([load(Ty::Ptr, address), load(Ty::I64, meta)])
}

/// # Safety
/// A thin or fat pointer can be written at `memory`, which is the address `addr`.
unsafe fn store_words(rec: Rec, addr: Addr, memory: *mut u8, words: &[Arg]) {
    let (address, meta) = fat_layout();
    let offsets = if words.len() == 1 { [0, 0] } else { [address, meta] };
    for (word, bytes) in words.iter().zip(offsets) {
        let mut addr = addr;
        assert!(addr.add_offset(bytes), "offset out of range");
        // SAFETY: the caller vouches for the memory.
        let write = || unsafe { memory.offset(bytes).cast::<u64>().write(word.concrete.bits) };
        rec.store(addr.base(), addr.index(), *word, &addr.descr(word.concrete.ty), write);
    }
}

/// Goes through a reference or `Box` where there is one, as auto-deref does.
pub struct Peel<T: ?Sized>(pub Place<T>);

impl<T> Peel<Box<T>> {
    /// What the box holds.
    pub fn peel(self, rec: Rec) -> Place<T> {
        let Place { ptr, addr } = self.0;
        // SAFETY: a `Box` of a sized type is its one pointer, and the plain function reads it here.
        let words = unsafe { load_words(rec, addr, ptr.cast(), false) };
        let target = std::ptr::with_exposed_provenance_mut(words[0].concrete.bits as usize);
        let mut place = Place::memory(target, words[0].lane, Lane::CONST, addr.frozen);
        place.addr.green = addr.green;
        place
    }
}

/// The fallback of [`Peel`]: what is no reference is left as it is.
pub trait PeelAny<T: ?Sized> {
    /// The place itself.
    fn peel(self, rec: Rec) -> Place<T>;
}

impl<T: ?Sized> PeelAny<T> for Peel<T> {
    fn peel(self, _: Rec) -> Place<T> {
        self.0
    }
}

/// A local of a portal that stays in the plain function's memory: what is not [`Traceable`].
pub struct Memory<T>(Place<T>);

impl<T> Memory<T> {
    pub(crate) fn new(ptr: *mut T, lane: Lane) -> Memory<T> {
        Memory(Place::memory(ptr, lane, Lane::CONST, false))
    }

    pub(crate) fn arg(&self) -> Arg {
        self.0.addr.base()
    }

    pub(crate) fn set_class(&mut self, class: Class) {
        self.0.addr.class = class;
    }
}

/// Says of a reference's lanes that it is the only way to its object.
pub(crate) fn set_class(addr: &mut Addr, class: Class) {
    addr.class = class;
}

/// Locals of the twin, as places.
pub trait Local {
    /// Type of the plain local.
    type Plain: ?Sized;
    /// The place.
    fn as_place(&mut self) -> Place<Self::Plain>;
}

impl<T: Traceable> Local for Traced<T> {
    type Plain = T;
    fn as_place(&mut self) -> Place<T> {
        let ptr = self.value.as_mut_ptr();
        let mut addr = Addr::new(0, Lane::CONST, Lane::CONST, false);
        addr.shadow = Some(Shadow::of(self));
        Place { ptr, addr }
    }
}

impl<T> Local for Memory<T> {
    type Plain = T;
    fn as_place(&mut self) -> Place<T> {
        self.0
    }
}

/// Places that can be indexed with `[i]`.
#[diagnostic::on_unimplemented(
    message = "indexing `{Self}` cannot be traced",
    note = "traced functions index arrays, slices and `Vec`s; put other indexing into a function of its own, which is then called"
)]
pub trait IndexPlace {
    /// What is left to do in [`Element`].
    type Indexed: Element;
    /// Starts; panics as an indexing method does.
    fn index(self, rec: Rec, index: Traced<usize>) -> Self::Indexed;
}

/// The second half of indexing, apart because rustc names another place for its panic.
pub trait Element {
    /// The element's type.
    type Item;
    /// The place of the element; panics as built-in indexing does.
    fn element(self, rec: Rec) -> Place<Self::Item>;
}

/// A slice or array and an index that has not been checked.
pub struct Unchecked<T> {
    first: *mut T,
    addr: Addr,
    len: Traced<usize>,
    index: Traced<usize>,
}

impl<T> Element for Unchecked<T> {
    type Item = T;
    #[track_caller]
    fn element(self, rec: Rec) -> Place<T> {
        let Unchecked { first, mut addr, len, index } = self;
        check_bounds(rec, &index, &len);
        if addr.shadow.take().is_some() {
            rec.abort(Abort::LocalEscapes);
        }
        addr.add_index(rec, &index, size_of::<T>());
        addr.meta_lane = Lane::CONST;
        // SAFETY: the index was checked against the length.
        Place { ptr: unsafe { first.add(index.get()) }, addr }
    }
}

impl<T> Element for Place<T> {
    type Item = T;
    fn element(self, _: Rec) -> Place<T> {
        self
    }
}

impl<T> IndexPlace for Place<[T]> {
    type Indexed = Unchecked<T>;
    fn index(self, _: Rec, index: Traced<usize>) -> Unchecked<T> {
        Unchecked { first: self.ptr.cast(), addr: self.addr, len: self.len(), index }
    }
}

impl<T, const N: usize> IndexPlace for Place<[T; N]> {
    type Indexed = Unchecked<T>;
    fn index(self, _: Rec, index: Traced<usize>) -> Unchecked<T> {
        Unchecked { first: self.ptr.cast(), addr: self.addr, len: Traced::constant(N), index }
    }
}

impl<T> IndexPlace for Place<Vec<T>> {
    type Indexed = Place<T>;
    #[track_caller]
    fn index(self, rec: Rec, index: Traced<usize>) -> Place<T> {
        self.as_slice(rec).index(rec, index).element(rec)
    }
}

impl<T> Place<[T]> {
    /// The length.
    pub fn len(self) -> Traced<usize> {
        Traced::scalar(self.ptr.len(), self.addr.meta_lane)
    }
}

impl<T> Place<Vec<T>> {
    /// The elements.
    pub fn as_slice(self, rec: Rec) -> Place<[T]> {
        let [ptr, len] = self.parts(rec);
        let address = std::ptr::with_exposed_provenance_mut::<T>(ptr.concrete.bits as usize);
        let slice = std::ptr::slice_from_raw_parts_mut(address, len.concrete.bits as usize);
        let mut slice = Place::memory(slice, ptr.lane, len.lane, self.addr.frozen);
        slice.addr.class = Class::VEC_BUFFER;
        slice.addr.green = self.addr.green;
        slice
    }

    /// The length.
    pub fn len(self, rec: Rec) -> Traced<usize> {
        let [_, len] = self.parts(rec);
        Traced::scalar(len.concrete.bits as usize, len.lane)
    }

    fn parts(self, rec: Rec) -> [Arg; 2] {
        let words = self.ptr.cast::<u8>();
        let (ptr_at, len_at) = vec_layout();
        let part = |bytes: isize, ty: Ty| {
            let mut addr = self.addr;
            assert!(addr.add_offset(bytes), "offset out of range");
            // SAFETY: a `Vec` is three words, and the plain function reads it here.
            let read = || unsafe { words.offset(bytes).cast::<u64>().read() };
            let (bits, lane) = addr.load(rec, ty, read);
            Arg::new(lane, ty, bits)
        };
        [part(ptr_at, Ty::Ptr), part(len_at, Ty::I64)]
    }
}

/// Byte offsets of pointer and length in a `Vec`, whose layout the language does not fix. Measured on
/// a `Vec` with distinct words; all `Vec`s are laid out alike, since their fields are.
fn vec_layout() -> (isize, isize) {
    use std::sync::OnceLock;
    static LAYOUT: OnceLock<(isize, isize)> = OnceLock::new();
    *LAYOUT.get_or_init(|| {
        const _: () = assert!(size_of::<Vec<u8>>() == 24);
        let mut vec: Vec<u8> = Vec::with_capacity(64);
        vec.extend([1, 2, 3]);
        let (ptr, len) = (vec.as_ptr().expose_provenance(), vec.len());
        // SAFETY: a `Vec` is three words, all initialized; it outlives the read.
        let words = unsafe { std::ptr::from_ref(&vec).cast::<[usize; 3]>().read() };
        let at = |word| words.iter().position(|&w| w == word).expect("a word of the Vec") as isize;
        (at(ptr) * 8, at(len) * 8)
    })
}

#[track_caller]
fn check_bounds(rec: Rec, index: &Traced<usize>, len: &Traced<usize>) {
    rec.step();
    let (i, n) = (index.get(), len.get());
    if i >= n {
        panic!("index out of bounds: the len is {n} but the index is {i}");
    }
    if index.lane().is_const() && len.lane().is_const() {
        return;
    }
    let in_bounds = Const::new(Ty::Bool, 1);
    let lane = rec.op(Opcode::UintLt, &[index.arg(), len.arg()], in_bounds);
    rec.guard_bool(Arg { lane, concrete: in_bounds });
}

/// The plain value of a twin's local, for code that runs untraced.
pub trait ToPlain {
    /// Its type; locals that stayed in memory are borrowed.
    type Plain;
    /// The value.
    fn to_plain(&self) -> Self::Plain;
}

impl<T: Traceable> ToPlain for Traced<T> {
    type Plain = T;
    fn to_plain(&self) -> T {
        // SAFETY: a `Traced` is only made from an initialized value, and a copy of its bits may be
        // used as long as the value.
        unsafe { self.dup().value.assume_init() }
    }
}

impl<T: 'static> ToPlain for Memory<T> {
    type Plain = &'static mut T;
    fn to_plain(&self) -> &'static mut T {
        // SAFETY: the local is alive as long as the plain function, which the twin returns to; the
        // twin makes no other reference to it meanwhile.
        unsafe { &mut *self.0.ptr }
    }
}

/// The coercions of call arguments.
pub trait CoerceTo<T: Traceable> {
    /// Coerces.
    fn coerce(self, rec: Rec) -> Traced<T>;
}

/// A call's argument, as the callee takes it.
pub fn coerce<A: CoerceTo<T>, T: Traceable>(rec: Rec, arg: A) -> Traced<T> {
    arg.coerce(rec)
}

impl<T: Traceable> CoerceTo<T> for Traced<T> {
    fn coerce(self, _: Rec) -> Traced<T> {
        self
    }
}

impl<'b, T: ?Sized + Pointee> CoerceTo<&'b T> for Traced<&mut T> {
    fn coerce(self, _: Rec) -> Traced<&'b T> {
        self.place().shared()
    }
}

macro_rules! unsize {
    ($($from:ty, $to:ty, $place:ident, $rec:ident => $slice:expr, $borrow:ident;)*) => {$(
        impl<'b, T, const N: usize> CoerceTo<$to> for Traced<$from> {
            fn coerce(self, $rec: Rec) -> Traced<$to> {
                let $place = self.place();
                $slice.$borrow()
            }
        }
    )*};
}

macro_rules! slice_of_vec {
    ($($from:ty, $to:ty, $borrow:ident;)*) => {$(
        impl<'b, T> CoerceTo<$to> for Traced<$from> {
            fn coerce(self, rec: Rec) -> Traced<$to> {
                self.place().as_slice(rec).$borrow()
            }
        }
    )*};
}

unsize! {
    &[T; N], &'b [T], place, _rec => place.as_slice(), shared;
    &mut [T; N], &'b [T], place, _rec => place.as_slice(), shared;
    &mut [T; N], &'b mut [T], place, _rec => place.as_slice(), exclusive;
}

slice_of_vec! {
    &Vec<T>, &'b [T], shared;
    &mut Vec<T>, &'b [T], shared;
    &mut Vec<T>, &'b mut [T], exclusive;
}

impl<T, const N: usize> Place<[T; N]> {
    /// The elements.
    fn as_slice(self) -> Place<[T]> {
        let ptr = std::ptr::slice_from_raw_parts_mut(self.ptr.cast::<T>(), N);
        let mut addr = self.addr;
        addr.meta_lane = Lane::CONST;
        Place { ptr, addr }
    }
}
