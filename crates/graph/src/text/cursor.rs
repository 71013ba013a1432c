//! Reading one line from left to right.

use super::error::{ParseFault, Problem};

/// A place in a line. Every reading method but [`Cursor::take_while`] skips spaces first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: usize,
    text: &'a str,
    at: usize,
}

pub(super) type Parsed<T> = Result<T, ParseFault>;

impl<'a> Cursor<'a> {
    /// The start of line number `line`.
    pub(super) const fn new(line: usize, text: &'a str) -> Self {
        Self { line, text, at: 0 }
    }

    pub(super) const fn line(&self) -> usize {
        self.line
    }

    /// The column of the next character other than a space, from 1.
    pub(super) fn column(&mut self) -> usize {
        self.skip_spaces();
        self.text[..self.at].chars().count() + 1
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The next character other than a space, without taking it.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip_spaces();
        self.rest().chars().next()
    }

    /// A fault here.
    pub(super) fn fault(&mut self, problem: impl Into<Problem>) -> ParseFault {
        ParseFault { line: self.line, column: self.column(), problem: problem.into() }
    }

    /// The fault of finding something else than `expected`.
    pub(super) fn unexpected(&mut self, expected: impl Into<String>) -> ParseFault {
        self.skip_spaces();
        let start: String = self.rest().chars().take(12).collect();
        let found = if start.is_empty() { "the end of the line".to_owned() } else { format!("'{start}'") };
        self.fault(Problem::Syntax { expected: expected.into(), found })
    }

    /// Takes `character` if it is next.
    pub(super) fn eat(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    pub(super) fn expect(&mut self, character: char) -> Parsed<()> {
        if self.eat(character) { Ok(()) } else { Err(self.unexpected(format!("'{character}'"))) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        let start = *self;
        if self.word("").is_ok_and(|found| found == word) {
            return Ok(());
        }
        *self = start;
        Err(self.unexpected(format!("'{word}'")))
    }

    pub(super) fn expect_end(&mut self) -> Parsed<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("the end of the line")) }
    }

    /// Takes characters while `accepts` holds.
    pub(super) fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|character| !accepts(character)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A word of letters, digits and underscores that does not start with a digit.
    pub(super) fn word(&mut self, expected: &str) -> Parsed<&'a str> {
        if !self.peek().is_some_and(|first| first.is_ascii_alphabetic() || first == '_') {
            return Err(self.unexpected(expected));
        }
        Ok(self.take_while(|character| character.is_ascii_alphanumeric() || character == '_'))
    }

    /// The names of axes, if they come next: a word of letters and digits, as `01io`, that may start with a digit but
    /// has a letter.
    pub(super) fn layout(&mut self) -> Option<&'a str> {
        let mut ahead = *self;
        ahead.skip_spaces();
        let word = ahead.take_while(|character| character.is_ascii_alphanumeric());
        word.contains(|character: char| character.is_ascii_alphabetic()).then(|| {
            *self = ahead;
            word
        })
    }

    /// A decimal integer that fits `T`.
    pub(super) fn integer<T: std::str::FromStr>(&mut self, expected: &str) -> Parsed<T> {
        self.skip_spaces();
        let start = *self;
        let digits = self.take_while(|character| character.is_ascii_digit() || character == '-');
        digits.parse().map_err(|_| {
            *self = start;
            self.unexpected(expected)
        })
    }

    /// Items separated by commas between two brackets.
    pub(super) fn list<T>(
        &mut self,
        [open, close]: [char; 2],
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(',') {
                return Err(self.unexpected(format!("',' or '{close}'")));
            }
        }
    }

    /// A quoted name with escapes.
    pub(super) fn quoted(&mut self) -> Parsed<String> {
        if !self.eat('"') {
            return Err(self.unexpected("a quoted name"));
        }
        let mut name = String::new();
        loop {
            name.push_str(self.take_while(|character| !matches!(character, '"' | '\\')));
            let rest = self.rest();
            if let Some(escape) = rest.strip_prefix('\\') {
                let Some((character, length)) = unescape(escape) else {
                    return Err(self.unexpected("one of the escapes \\\", \\\\, \\n, \\r, \\t, \\u{..}"));
                };
                name.push(character);
                self.at += 1 + length;
            } else if rest.is_empty() {
                return Err(self.unexpected("'\"' at the end of the name"));
            } else {
                self.at += 1;
                return Ok(name);
            }
        }
    }
}

/// The character that an escape stands for, read after the backslash, and the number of bytes read.
fn unescape(text: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 1));
    match text.chars().next()? {
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        character @ ('"' | '\\') => simple(character),
        'u' => {
            let (digits, _) = text.strip_prefix("u{")?.split_once('}')?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| plain)?;
            Some((char::from_u32(code)?, "u{}".len() + digits.len()))
        }
        _ => None,
    }
}
