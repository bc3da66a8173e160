//! The screen: 64 by 32 pixels, on or off.
//!
//! A row is one 64-bit word, its leftmost pixel the highest bit, so that a sprite's row is drawn with
//! a shift and an exclusive or.

use std::fmt;

/// Pixels in a row.
pub const WIDTH: usize = 64;
/// Rows.
pub const HEIGHT: usize = 32;

/// The pixels. As text, a row is a line of `#` and `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    rows: [u64; HEIGHT],
}

impl Default for Screen {
    fn default() -> Screen {
        Screen { rows: [0; HEIGHT] }
    }
}

#[jitdriver::jit]
impl Screen {
    /// Switches all pixels off.
    pub fn clear(&mut self) {
        self.rows = [0; HEIGHT];
    }

    /// Inverts the pixels of an eight pixels wide row at column `x` of row `y`; true if that switched
    /// one off. What lies outside of the screen is not drawn.
    pub fn draw_row(&mut self, x: usize, y: usize, pixels: u8) -> bool {
        if y >= HEIGHT {
            return false;
        }
        let mask = (pixels as u64) << (WIDTH - 8) >> x;
        let collision = self.rows[y] & mask != 0;
        self.rows[y] ^= mask;
        collision
    }

    /// Whether the pixel in column `x` of row `y` is on.
    pub fn pixel(&self, x: usize, y: usize) -> bool {
        self.rows[y] >> (WIDTH - 1 - x) & 1 == 1
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for y in 0..HEIGHT {
            let row: String =
                (0..WIDTH).map(|x| if self.pixel(x, y) { '#' } else { '.' }).collect();
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_inverted_and_collisions_seen() {
        let mut screen = Screen::default();
        assert!(!screen.draw_row(2, 1, 0b1010_0000));
        assert!(screen.pixel(2, 1) && !screen.pixel(3, 1) && screen.pixel(4, 1));
        assert!(!screen.draw_row(3, 1, 0b1000_0000));
        assert!(screen.draw_row(2, 1, 0b1000_0000));
        assert!(!screen.pixel(2, 1));
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let mut screen = Screen::default();
        screen.draw_row(60, 31, 0xff);
        screen.draw_row(0, 32, 0xff);
        let text = screen.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), HEIGHT);
        assert_eq!(lines[31], format!("{}####", ".".repeat(60)));
        assert_eq!(text.matches('#').count(), 4);
    }
}
