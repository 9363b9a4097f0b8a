//! The header of a frame (RFC 6455 §5.2), and masks.

use super::Breach;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn read(bits: u8) -> Result<Self, Breach> {
        Ok(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => return Err(Breach::Opcode(other)),
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub(super) fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}

/// The longest payload of a control frame.
pub(super) const MAX_CONTROL: u64 = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Of the payload.
    pub(super) length: u64,
}

impl FrameHeader {
    /// Reads a header from the beginning of `bytes`, and how many bytes it has. `None`: there are too few yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Breach> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Breach::ReservedBits);
        }
        let opcode = Opcode::read(first & 0x0f)?;
        let last = first & 0x80 != 0;
        if opcode.is_control() && !last {
            return Err(Breach::FragmentedControl);
        }
        if opcode.is_control() && u64::from(second & 0x7f) > MAX_CONTROL {
            return Err(Breach::LongControl);
        }
        let (length, extra) = match second & 0x7f {
            126 => {
                let Some(length) = rest.first_chunk() else { return Ok(None) };
                let length = u64::from(u16::from_be_bytes(*length));
                if length < 126 {
                    return Err(Breach::Length);
                }
                (length, 2)
            }
            127 => {
                let Some(length) = rest.first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                if length <= u64::from(u16::MAX) || length >> 63 != 0 {
                    return Err(Breach::Length);
                }
                (length, 8)
            }
            short => (u64::from(short), 0),
        };
        if second & 0x80 == 0 {
            return Ok(Some((Self { last, opcode, mask: None, length }, 2 + extra)));
        }
        let Some(mask) = rest.get(extra..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        Ok(Some((Self { last, opcode, mask: Some(*mask), length }, 6 + extra)))
    }

    /// Appends the header.
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        output.push(if self.last { 0x80 } else { 0 } | self.opcode.bits());
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        if let Ok(length @ ..=125) = u8::try_from(self.length) {
            output.push(masked | length);
        } else if let Ok(length) = u16::try_from(self.length) {
            output.push(masked | 126);
            output.extend_from_slice(&length.to_be_bytes());
        } else {
            output.push(masked | 127);
            output.extend_from_slice(&self.length.to_be_bytes());
        }
        if let Some(mask) = self.mask {
            output.extend_from_slice(&mask);
        }
    }
}

/// Masks a payload, or takes the mask away.
pub(super) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}
