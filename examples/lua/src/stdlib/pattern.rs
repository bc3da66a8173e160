//! Patterns: matching by backtracking, one function per construct.

/// How many captures a pattern may have.
pub const MAX_CAPTURES: usize = 32;

/// How deep matching may recurse.
const MAX_DEPTH: usize = 200;

/// Why a pattern is no good.
pub type PatternError = &'static str;

/// What a capture has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capture {
    /// It has begun at this place.
    Open(usize),
    /// The text from a place on, so long.
    Text(usize, usize),
    /// A place, for `()`.
    Position(usize),
}

/// A subject and a pattern.
pub struct Matcher<'s> {
    subject: &'s [u8],
    pattern: &'s [u8],
    captures: [Capture; MAX_CAPTURES],
    n_captures: usize,
    depth: usize,
}

/// The messages for `%0` to `%9`.
const INVALID_INDEX: [PatternError; 10] = [
    "invalid capture index %0",
    "invalid capture index %1",
    "invalid capture index %2",
    "invalid capture index %3",
    "invalid capture index %4",
    "invalid capture index %5",
    "invalid capture index %6",
    "invalid capture index %7",
    "invalid capture index %8",
    "invalid capture index %9",
];

type Matched = Result<Option<usize>, PatternError>;

impl<'s> Matcher<'s> {
    /// A matcher for a pattern without its anchor.
    pub fn new(subject: &'s [u8], pattern: &'s [u8]) -> Matcher<'s> {
        let captures = [Capture::Open(0); MAX_CAPTURES];
        Matcher { subject, pattern, captures, n_captures: 0, depth: 0 }
    }

    /// Matches at a place of the subject; where the match ends.
    pub fn match_at(&mut self, start: usize) -> Matched {
        self.n_captures = 0;
        self.depth = 0;
        self.matches(start, 0)
    }

    /// The captures of the last match.
    pub fn captures(&self) -> &[Capture] {
        &self.captures[..self.n_captures]
    }

    fn matches(&mut self, s: usize, p: usize) -> Matched {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("pattern too complex");
        }
        let result = self.matches_here(s, p);
        self.depth -= 1;
        result
    }

    fn matches_here(&mut self, mut s: usize, mut p: usize) -> Matched {
        loop {
            let Some(&first) = self.pattern.get(p) else { return Ok(Some(s)) };
            match (first, self.pattern.get(p + 1)) {
                (b'(', Some(b')')) => {
                    return self.start_capture(s, p + 2, Capture::Position(s));
                }
                (b'(', _) => return self.start_capture(s, p + 1, Capture::Open(s)),
                (b')', _) => return self.end_capture(s, p + 1),
                (b'$', None) => {
                    return Ok((s == self.subject.len()).then_some(s));
                }
                (b'%', Some(b'b')) => match self.balanced(s, p + 2)? {
                    Some(end) => {
                        (s, p) = (end, p + 4);
                        continue;
                    }
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => {
                    p += 2;
                    if self.pattern.get(p) != Some(&b'[') {
                        return Err("missing '[' after '%f' in pattern");
                    }
                    let end = self.class_end(p)?;
                    let before = if s == 0 { 0 } else { self.subject[s - 1] };
                    let here = self.subject.get(s).copied().unwrap_or(0);
                    if self.in_set(before, p, end - 1) || !self.in_set(here, p, end - 1) {
                        return Ok(None);
                    }
                    p = end;
                    continue;
                }
                (b'%', Some(digit @ b'0'..=b'9')) => match self.back_reference(s, *digit)? {
                    Some(end) => {
                        (s, p) = (end, p + 2);
                        continue;
                    }
                    None => return Ok(None),
                },
                _ => {}
            }
            let end = self.class_end(p)?;
            match self.pattern.get(end) {
                Some(b'?') => {
                    if self.single(s, p, end)
                        && let Some(found) = self.matches(s + 1, end + 1)?
                    {
                        return Ok(Some(found));
                    }
                    p = end + 1;
                }
                Some(b'*') => return self.longest(s, p, end, 0),
                Some(b'+') => return self.longest(s, p, end, 1),
                Some(b'-') => return self.shortest(s, p, end),
                _ => {
                    if !self.single(s, p, end) {
                        return Ok(None);
                    }
                    (s, p) = (s + 1, end);
                }
            }
        }
    }

    /// As many repetitions as possible, but `least`.
    fn longest(&mut self, s: usize, p: usize, end: usize, least: usize) -> Matched {
        let mut n = 0;
        while self.single(s + n, p, end) {
            n += 1;
        }
        while n >= least {
            if let Some(found) = self.matches(s + n, end + 1)? {
                return Ok(Some(found));
            }
            if n == 0 {
                break;
            }
            n -= 1;
        }
        Ok(None)
    }

    /// As few repetitions as possible.
    fn shortest(&mut self, mut s: usize, p: usize, end: usize) -> Matched {
        loop {
            if let Some(found) = self.matches(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.single(s, p, end) {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn start_capture(&mut self, s: usize, p: usize, capture: Capture) -> Matched {
        if self.n_captures >= MAX_CAPTURES {
            return Err("too many captures");
        }
        self.captures[self.n_captures] = capture;
        self.n_captures += 1;
        let found = self.matches(s, p)?;
        if found.is_none() {
            self.n_captures -= 1;
        }
        Ok(found)
    }

    fn end_capture(&mut self, s: usize, p: usize) -> Matched {
        let open = |it: &Capture| matches!(it, Capture::Open(_));
        let Some(at) = self.captures[..self.n_captures].iter().rposition(open) else {
            return Err("invalid pattern capture");
        };
        let Capture::Open(start) = self.captures[at] else { return Ok(None) };
        self.captures[at] = Capture::Text(start, s - start);
        let found = self.matches(s, p)?;
        if found.is_none() {
            self.captures[at] = Capture::Open(start);
        }
        Ok(found)
    }

    fn balanced(&self, s: usize, p: usize) -> Matched {
        let (Some(&open), Some(&close)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return Err("malformed pattern (missing arguments to '%b')");
        };
        if self.subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1;
        for at in s + 1..self.subject.len() {
            let byte = self.subject[at];
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    fn back_reference(&self, s: usize, digit: u8) -> Matched {
        let at = usize::from(digit).wrapping_sub(usize::from(b'1'));
        match self.captures().get(at) {
            Some(&Capture::Text(start, len)) => {
                let text = &self.subject[start..start + len];
                Ok(self.subject[s..].starts_with(text).then_some(s + len))
            }
            _ => Err(INVALID_INDEX[usize::from(digit - b'0')]),
        }
    }

    /// Where the class of one character that starts at `p` ends.
    fn class_end(&self, p: usize) -> Result<usize, PatternError> {
        match self.pattern[p] {
            b'%' => match self.pattern.get(p + 1) {
                Some(_) => Ok(p + 2),
                None => Err("malformed pattern (ends with '%')"),
            },
            b'[' => {
                let mut at = p + 1;
                if self.pattern.get(at) == Some(&b'^') {
                    at += 1;
                }
                // The first character may be `]`.
                loop {
                    match self.pattern.get(at) {
                        None => return Err("malformed pattern (missing ']')"),
                        Some(b'%') => at += 2,
                        Some(_) => at += 1,
                    }
                    if self.pattern.get(at) == Some(&b']') {
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the character at `s` is in the class from `p` to `end`.
    fn single(&self, s: usize, p: usize, end: usize) -> bool {
        let Some(&byte) = self.subject.get(s) else { return false };
        match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(byte, self.pattern[p + 1]),
            b'[' => self.in_set(byte, p, end - 1),
            literal => literal == byte,
        }
    }

    /// Whether a character is in the set from `[` at `p` to `]` at `end`.
    fn in_set(&self, byte: u8, p: usize, end: usize) -> bool {
        let mut at = p + 1;
        let negated = self.pattern.get(at) == Some(&b'^');
        if negated {
            at += 1;
        }
        while at < end {
            let here = self.pattern[at];
            if here == b'%' {
                at += 1;
                if in_class(byte, self.pattern[at]) {
                    return !negated;
                }
                at += 1;
            } else if self.pattern.get(at + 1) == Some(&b'-') && at + 2 < end {
                if here <= byte && byte <= self.pattern[at + 2] {
                    return !negated;
                }
                at += 3;
            } else {
                if here == byte {
                    return !negated;
                }
                at += 1;
            }
        }
        negated
    }
}

/// Whether a character is in the class that a letter names; an upper-case letter names the others.
fn in_class(byte: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => matches!(byte, b' ' | b'\t'..=b'\r'),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is_in != class.is_ascii_uppercase()
}

/// Whether a pattern is just text.
pub fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|it| b"^$*+?.([%-".contains(it))
}

/// The first place of `needle` in `text`.
pub fn find_plain(text: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((&first, rest)) = needle.split_first() else { return Some(0) };
    let mut at = 0;
    while at + needle.len() <= text.len() {
        let last = text.len() - rest.len();
        at += text[at..last].iter().position(|it| *it == first)?;
        if text[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(subject: &str, pattern: &str) -> Option<(usize, usize)> {
        let mut matcher = Matcher::new(subject.as_bytes(), pattern.as_bytes());
        (0..=subject.len()).find_map(|at| matcher.match_at(at).unwrap().map(|end| (at, end)))
    }

    #[test]
    fn constructs() {
        assert_eq!(find("hello world", "o w"), Some((4, 7)));
        assert_eq!(find("  x = 12", "%d+$"), Some((6, 8)));
        assert_eq!(find("f(a(b)c)d", "%b()"), Some((1, 8)));
        assert_eq!(find("THE (quick) fox", "%f[%a]%l+"), Some((5, 10)));
        assert_eq!(find("[[x]]", "[]x]+"), Some((2, 5)));
        assert_eq!(find("abab", "(ab)%1"), Some((0, 4)));
        assert_eq!(find("<<a>>", "<(.-)>"), Some((0, 4)));
        assert_eq!(find("a-b", "[a%-]+"), Some((0, 2)));
        assert_eq!(find("abc", "[^a-b]"), Some((2, 3)));
    }

    #[test]
    fn mistakes() {
        let error = |pattern: &str| Matcher::new(b"ab", pattern.as_bytes()).match_at(0).err();
        assert_eq!(error("[a"), Some("malformed pattern (missing ']')"));
        assert_eq!(error("%"), Some("malformed pattern (ends with '%')"));
        assert_eq!(error(")"), Some("invalid pattern capture"));
    }

    #[test]
    fn plain_search() {
        assert_eq!(find_plain(b"aabaab", b"aab"), Some(0));
        assert_eq!(find_plain(b"xaabaac", b"aac"), Some(4));
        assert_eq!(find_plain(b"abc", b""), Some(0));
        assert_eq!(find_plain(b"ab", b"abc"), None);
    }
}
