//! A table by number, for what is numbered in order: traces and exits.
//!
//! They are looked for each time compiled code is entered and left, so finding one takes two loads and no
//! hashing. Numbers are never given out twice, and most of what they stand for is freed at some time. So the table has
//! pages: one in which nothing is left is given back, and so is the list of the pages up to the first that is needed.

/// See the module documentation. `PAGE` is how many are in a page.
#[derive(Debug)]
pub struct Table<T, const PAGE: usize> {
    pages: Vec<Option<Box<Page<T, PAGE>>>>,
    /// The number of the first of the pages.
    first: usize,
    len: usize,
}

#[derive(Debug)]
struct Page<T, const PAGE: usize> {
    slots: [Option<T>; PAGE],
    len: usize,
}

impl<T, const PAGE: usize> Default for Table<T, PAGE> {
    fn default() -> Self {
        Table { pages: Vec::new(), first: 0, len: 0 }
    }
}

impl<T, const PAGE: usize> Table<T, PAGE> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one with this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&T> {
        let (page, slot) = self.place(number);
        self.pages.get(page)?.as_ref()?.slots[slot].as_ref()
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let (page, slot) = self.place(number);
        self.pages.get_mut(page)?.as_mut()?.slots[slot].as_mut()
    }

    /// Where a number is among the pages. Before the first of them, that is beyond the last.
    fn place(&self, number: u32) -> (usize, usize) {
        let number = number as usize;
        ((number / PAGE).wrapping_sub(self.first), number % PAGE)
    }

    /// Puts one there that has a number of its own.
    pub fn insert(&mut self, number: u32, value: T) {
        let at = number as usize / PAGE;
        if self.len == 0 {
            self.pages.clear();
            self.first = at;
        }
        if at < self.first {
            let n_before = self.first - at;
            self.pages.splice(..0, std::iter::repeat_with(|| None).take(n_before));
            self.first = at;
        }
        let (page, slot) = self.place(number);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let empty = || Box::new(Page { slots: [const { None }; PAGE], len: 0 });
        let page = self.pages[page].get_or_insert_with(empty);
        assert!(page.slots[slot].is_none(), "{number} is in use");
        page.slots[slot] = Some(value);
        page.len += 1;
        self.len += 1;
    }

    /// Takes it out.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let (at, slot) = self.place(number);
        let page = self.pages.get_mut(at)?.as_mut()?;
        let value = page.slots[slot].take()?;
        page.len -= 1;
        self.len -= 1;
        if page.len == 0 {
            self.pages[at] = None;
            self.forget_first_pages();
        }
        Some(value)
    }

    /// Only when they are half of all, so that moving the others costs each page a constant.
    fn forget_first_pages(&mut self) {
        let n_empty = self.pages.iter().take_while(|page| page.is_none()).count();
        if 2 * n_empty >= self.pages.len() {
            self.pages.drain(..n_empty);
            self.first += n_empty;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let mut table: Table<u32, 4> = Table::default();
        for number in [9, 10, 2, 31, 30] {
            table.insert(number, number * 10);
        }
        assert_eq!(table.len(), 5);
        for number in 0..40 {
            let expected = [9, 10, 2, 31, 30].contains(&number).then_some(number * 10);
            assert_eq!(table.get(number).copied(), expected);
            assert_eq!(table.get_mut(number).copied(), expected);
            assert_eq!(table.remove(number), expected);
            assert_eq!(table.get(number), None);
        }
        assert!(table.is_empty());
    }

    #[test]
    fn ever_new_numbers_take_no_more_memory() {
        let mut table: Table<u32, 4> = Table::default();
        for number in 0..1000 {
            table.insert(number, number);
            if let Some(old) = number.checked_sub(10) {
                assert_eq!(table.remove(old), Some(old));
            }
            assert!(table.pages.len() <= 10, "{} pages", table.pages.len());
        }
        assert_eq!(table.len(), 10);
    }

    #[test]
    #[should_panic(expected = "7 is in use")]
    fn a_number_is_used_once() {
        let mut table: Table<u32, 4> = Table::default();
        table.insert(7, 0);
        table.insert(7, 1);
    }
}
