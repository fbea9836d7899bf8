//! Reads values from the content of a file.

use serde::de::DeserializeOwned;

/// The content is not as it is written, and in what.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) &'static str);

/// The rest of the content of a file.
pub(super) struct Reader<'c>(&'c [u8]);

impl<'c> Reader<'c> {
    pub(super) fn new(content: &'c [u8]) -> Self {
        Self(content)
    }

    /// Ends reading, where nothing may be left.
    pub(super) fn finish(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("something follows its content")) }
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Malformed("a number is cut off"))?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a number is too long"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads an index into a list of so many items.
    pub(super) fn index(&mut self, count: usize) -> Result<u32, Malformed> {
        let index = self.number()?;
        let index = u32::try_from(index).ok().filter(|index| (*index as usize) < count);
        index.ok_or(Malformed("an index refers to nothing"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        self.index(2).map(|value| value == 1)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'c [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed("a text is cut off"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed("a value is cut off"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'c str, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed("a text is cut off"))?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(super) fn boxed(&mut self) -> Result<Box<str>, Malformed> {
        self.text().map(Into::into)
    }

    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<Box<str>>, Malformed> {
        self.optional(Self::boxed)
    }

    /// Reads a list. Each item takes at least a byte, so a length is believed only as far as the content goes.
    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len());
        let count = count.ok_or(Malformed("a list is cut off"))?;
        let mut items = Vec::with_capacity(count.min(1 << 20));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, Malformed> {
        serde_json::from_str(self.text()?).map_err(|_| Malformed("an object is not as it is declared"))
    }
}
