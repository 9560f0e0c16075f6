//! Inputs taken apart: the first bytes choose, the rest is what is read.

/// Takes bytes from the front of an input. When there are none left it gives zeros and empty pieces.
#[derive(Clone, Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.piece(1).first().copied().unwrap_or(0)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: u8) -> usize {
        usize::from(self.byte() % end.max(1))
    }

    /// A flag.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number of 16 bits.
    pub fn u16(&mut self) -> u16 {
        u16::from(self.byte()) | u16::from(self.byte()) << 8
    }

    /// A number of 64 bits.
    pub fn u64(&mut self) -> u64 {
        (0..8).fold(0, |sum, place| sum | u64::from(self.byte()) << (8 * place))
    }

    /// The next `length` bytes, or fewer when there are fewer.
    pub fn piece(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// A text whose length stands before it.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        String::from_utf8_lossy(self.piece(length)).into_owned()
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
