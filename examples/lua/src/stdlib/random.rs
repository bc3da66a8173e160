//! Random numbers: xoshiro256**, seeded as the reference implementation does, so that a program with a
//! seed gets the same numbers.

/// The generator's state.
pub struct Xoshiro([u64; 4]);

impl Default for Xoshiro {
    fn default() -> Xoshiro {
        let mut new = Xoshiro([0; 4]);
        new.seed([0x5DEE_CE66, 0]);
        new
    }
}

impl Xoshiro {
    /// Starts over from a seed.
    pub fn seed(&mut self, seed: [u64; 2]) {
        self.0 = [seed[0], 0xff, seed[1], 0];
        for _ in 0..16 {
            self.next();
        }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.0;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let s2 = s2 ^ s0;
        let s3 = s3 ^ s1;
        self.0 = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// A number up to `limit`, from random bits; more bits are drawn if these do not fit.
    pub fn project(&mut self, bits: u64, limit: u64) -> u64 {
        if limit & limit.wrapping_add(1) == 0 {
            return bits & limit;
        }
        let mask = u64::MAX >> limit.leading_zeros();
        let mut bits = bits & mask;
        while bits > limit {
            bits = self.next() & mask;
        }
        bits
    }
}
