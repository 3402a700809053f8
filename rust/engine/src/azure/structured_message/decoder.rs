//! Reading a message.

use super::{CRC64, HEAD, SEGMENT_HEAD, SMALLEST_FRAME, VERSION, WITH_CRC64};
use crate::{
    checksum::{Crc64, combine},
    http::{BodyReader, TransportError},
};

/// Where a message is read from.
pub(crate) trait Incoming {
    /// Reads some bytes; 0 only at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError>;

    /// Whether nothing follows what has been read.
    fn ends_here(&mut self) -> bool;
}

impl Incoming for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        BodyReader::read(self, buffer)
    }

    fn ends_here(&mut self) -> bool {
        BodyReader::ends_here(self)
    }
}

/// Why a message cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Broken(TransportError),
    /// It is not what the service sent, and this is how that shows.
    Damaged(&'static str),
}

impl From<TransportError> for Unreadable {
    fn from(error: TransportError) -> Self {
        Self::Broken(error)
    }
}

/// Reads the content of a message, and verifies each segment with its last byte.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Bytes of content that are not here yet.
    remaining: u64,
    segments: u16,
    /// Number of the current segment; 0 before the first.
    segment: u16,
    segment_length: u64,
    /// Bytes of the current segment that are not here yet.
    left: u64,
    running: Crc64,
    verified: u64,
    crc64: u64,
}

impl Decoder {
    /// Reads the head of a message that holds `content` bytes, at least one, and is `length` bytes long
    /// where that was said.
    pub(crate) fn begin(
        incoming: &mut impl Incoming,
        content: u64,
        length: Option<u64>,
    ) -> Result<Self, Unreadable> {
        if length.is_some_and(|length| length.saturating_sub(content) < SMALLEST_FRAME as u64) {
            return Err(Unreadable::Damaged("it is too short"));
        }
        let [version, head @ ..] = field::<HEAD>(incoming)?;
        let told = number(&head[..8]);
        let flags = number(&head[8..10]);
        let segments = number(&head[10..]) as u16;
        if version != VERSION || flags != u64::from(WITH_CRC64) {
            return Err(Unreadable::Damaged("its form is unknown"));
        }
        let frame = HEAD + usize::from(segments) * (SEGMENT_HEAD + CRC64) + CRC64;
        let fits = content.checked_add(frame as u64) == Some(told);
        if segments == 0 || !fits || length.is_some_and(|length| length != told) {
            return Err(Unreadable::Damaged("its length is not that of its content"));
        }
        Ok(Self {
            remaining: content,
            segments,
            segment: 0,
            segment_length: 0,
            left: 0,
            running: Crc64::new(),
            verified: 0,
            crc64: 0,
        })
    }

    /// Bytes of content that have proved right, and the CRC64 of them.
    pub(crate) fn verified(&self) -> (u64, u64) {
        (self.verified, self.crc64)
    }

    /// Whether all content so far has proved right.
    pub(crate) fn is_between_segments(&self) -> bool {
        self.left == 0
    }

    /// Reads some of the content that remains. With the last byte of it the message has been read to its
    /// end, and verified.
    pub(crate) fn read_some(
        &mut self,
        incoming: &mut impl Incoming,
        buffer: &mut [u8],
    ) -> Result<usize, Unreadable> {
        while self.left == 0 {
            self.begin_segment(incoming)?;
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        let count = incoming.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(TransportError::ended_early().into());
        }
        self.running.update(&buffer[..count]);
        self.left -= count as u64;
        self.remaining -= count as u64;
        if self.left == 0 {
            self.end_segment(incoming)?;
        }
        if self.remaining == 0 {
            self.end(incoming)?;
        }
        Ok(count)
    }

    /// Reads what is before a segment's content; all of the segment, where it is empty.
    fn begin_segment(&mut self, incoming: &mut impl Incoming) -> Result<(), Unreadable> {
        if self.segment == self.segments {
            return Err(Unreadable::Damaged("it ends before its content does"));
        }
        let head = field::<SEGMENT_HEAD>(incoming)?;
        let length = number(&head[2..]);
        if number(&head[..2]) != u64::from(self.segment) + 1 {
            return Err(Unreadable::Damaged("its segments are not in their order"));
        }
        if length > self.remaining {
            return Err(Unreadable::Damaged("a segment is longer than what remains"));
        }
        self.segment += 1;
        self.segment_length = length;
        self.left = length;
        if length == 0 {
            self.end_segment(incoming)?;
        }
        Ok(())
    }

    fn end_segment(&mut self, incoming: &mut impl Incoming) -> Result<(), Unreadable> {
        let crc64 = std::mem::replace(&mut self.running, Crc64::new()).value();
        verify(incoming, crc64)?;
        self.crc64 = combine(self.crc64, crc64, self.segment_length);
        self.verified += self.segment_length;
        Ok(())
    }

    fn end(&mut self, incoming: &mut impl Incoming) -> Result<(), Unreadable> {
        while self.segment < self.segments {
            self.begin_segment(incoming)?;
        }
        verify(incoming, self.crc64)?;
        if incoming.ends_here() {
            Ok(())
        } else {
            Err(Unreadable::Damaged("something follows it"))
        }
    }
}

fn verify(incoming: &mut impl Incoming, calculated: u64) -> Result<(), Unreadable> {
    if u64::from_le_bytes(field(incoming)?) == calculated {
        Ok(())
    } else {
        Err(Unreadable::Damaged("its CRC64 is not that of its content"))
    }
}

fn field<const LENGTH: usize>(
    incoming: &mut impl Incoming,
) -> Result<[u8; LENGTH], TransportError> {
    let mut bytes = [0; LENGTH];
    let mut filled = 0;
    while filled < LENGTH {
        match incoming.read(&mut bytes[filled..])? {
            0 => return Err(TransportError::ended_early()),
            count => filled += count,
        }
    }
    Ok(bytes)
}

fn number(little_endian: &[u8]) -> u64 {
    little_endian
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::known::{CONTENT, ONE_SEGMENT, THREE_SEGMENTS, bytes},
        *,
    };
    use crate::checksum::crc64;

    /// Gives so many bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Incoming for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }

        fn ends_here(&mut self) -> bool {
            self.0.is_empty()
        }
    }

    /// A message of segments of these lengths.
    fn message(content: &[u8], segments: &[usize]) -> Vec<u8> {
        let frame = HEAD + segments.len() * (SEGMENT_HEAD + CRC64) + CRC64;
        let mut message = vec![VERSION];
        message.extend(((frame + content.len()) as u64).to_le_bytes());
        message.extend(WITH_CRC64.to_le_bytes());
        message.extend((segments.len() as u16).to_le_bytes());
        let mut rest = content;
        for (index, length) in segments.iter().enumerate() {
            let (piece, later) = rest.split_at(*length);
            message.extend((index as u16 + 1).to_le_bytes());
            message.extend((*length as u64).to_le_bytes());
            message.extend(piece);
            message.extend(crc64(0, piece).to_le_bytes());
            rest = later;
        }
        message.extend(crc64(0, content).to_le_bytes());
        message
    }

    /// Decodes it; what was good before it became unreadable.
    fn decode(
        message: &[u8],
        content: u64,
        length: Option<u64>,
        at_once: usize,
    ) -> (Vec<u8>, Result<u64, Unreadable>) {
        let mut incoming = Trickle(message, at_once);
        let mut read = Vec::new();
        let decoded = Decoder::begin(&mut incoming, content, length).and_then(|mut decoder| {
            let mut piece = [0; 7];
            while read.len() < content as usize {
                match decoder.read_some(&mut incoming, &mut piece) {
                    Ok(count) => read.extend(&piece[..count]),
                    Err(error) => {
                        read.truncate(decoder.verified().0 as usize);
                        return Err(error);
                    }
                }
            }
            assert!(decoder.is_between_segments());
            assert_eq!(decoder.verified().0, content);
            Ok(decoder.verified().1)
        });
        (read, decoded)
    }

    #[test]
    fn what_azure_storage_blob_encodes() {
        for hex in [THREE_SEGMENTS, ONE_SEGMENT] {
            let message = bytes(hex);
            for at_once in [1, 2, 5, 1_000] {
                for length in [None, Some(message.len() as u64)] {
                    let (content, crc) = decode(&message, 9, length, at_once);
                    assert_eq!(
                        (content.as_slice(), crc.unwrap()),
                        (CONTENT, crc64(0, CONTENT))
                    );
                }
            }
        }
        assert_eq!(message(CONTENT, &[4, 4, 1]), bytes(THREE_SEGMENTS));
    }

    #[test]
    fn each_field_that_is_wrong() {
        let good = bytes(THREE_SEGMENTS);
        for (at, reason, verified) in [
            (0, "its form is unknown", 0),
            (1, "its length is not that of its content", 0),
            (8, "its length is not that of its content", 0),
            (9, "its form is unknown", 0),
            (11, "its length is not that of its content", 0),
            (13, "its segments are not in their order", 0),
            (15, "its CRC64 is not that of its content", 0), // two bytes more
            (22, "a segment is longer than what remains", 0),
            (24, "its CRC64 is not that of its content", 0),
            (27, "its CRC64 is not that of its content", 0),
            (35, "its segments are not in their order", 4),
            (44, "a segment is longer than what remains", 4),
            (46, "its CRC64 is not that of its content", 4),
            (57, "its segments are not in their order", 8),
            (68, "its CRC64 is not that of its content", 8),
            (76, "its CRC64 is not that of its content", 8),
            (83, "its CRC64 is not that of its content", 8),
        ] {
            let mut damaged = good.clone();
            damaged[at] ^= 2;
            let (content, decoded) = decode(&damaged, 9, Some(84), 1_000);
            assert!(
                matches!(decoded, Err(Unreadable::Damaged(how)) if how == reason),
                "{at}: {decoded:?}"
            );
            assert_eq!(content, CONTENT[..verified], "{at}");
        }
    }

    #[test]
    fn a_message_of_another_length() {
        let good = bytes(THREE_SEGMENTS);
        for (content, length) in [
            (8, None),
            (10, None),
            (u64::MAX, None),
            (9, Some(83)),
            (9, Some(85)),
        ] {
            let (_, decoded) = decode(&good, content, length, 1_000);
            assert!(matches!(decoded, Err(Unreadable::Damaged(_))), "{content}");
        }
        let trailing = [good.as_slice(), b"x"].concat();
        let (_, decoded) = decode(&trailing, 9, None, 1_000);
        assert!(matches!(
            decoded,
            Err(Unreadable::Damaged("something follows it"))
        ));
        for end in 0..good.len() {
            let (_, decoded) = decode(&good[..end], 9, None, 1_000);
            assert!(matches!(decoded, Err(Unreadable::Broken(_))), "{end}");
        }
    }

    #[test]
    fn segments_that_do_not_add_up() {
        let short = |mut message: Vec<u8>| {
            // The last segment says that it has fewer bytes, and its CRC64 follows them.
            message[59] = 0;
            message
        };
        let (_, decoded) = decode(&short(bytes(THREE_SEGMENTS)), 9, None, 1_000);
        assert!(matches!(decoded, Err(Unreadable::Damaged(_))));
        let mut missing = message(&CONTENT[..8], &[4, 4]);
        missing[1..9].copy_from_slice(&66_u64.to_le_bytes());
        let (content, decoded) = decode(&missing, 9, None, 1_000);
        assert!(matches!(
            decoded,
            Err(Unreadable::Damaged("it ends before its content does"))
        ));
        assert_eq!(content, CONTENT[..8]);
        let none = message(b"", &[]);
        let (_, decoded) = decode(&none, 1, None, 1_000);
        assert!(matches!(decoded, Err(Unreadable::Damaged(_))));
        // Whoever counts an empty one is still understood.
        for segments in [&[0, 9][..], &[4, 0, 5], &[9, 0]] {
            let (content, decoded) = decode(&message(CONTENT, segments), 9, None, 1_000);
            assert_eq!((content.as_slice(), decoded.is_ok()), (CONTENT, true));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, content in 1_u64.., length: Option<u64>) {
            let mut incoming = Trickle(&bytes, 3);
            if let Ok(mut decoder) = Decoder::begin(&mut incoming, content, length) {
                while decoder.read_some(&mut incoming, &mut [0; 5]).is_ok() {}
            }
        }

        #[test]
        fn one_wrong_byte_is_never_missed(
            content in prop::collection::vec(any::<u8>(), 1..40),
            segment in 1_usize..40,
            at: prop::sample::Index,
            flip in 1_u8..,
        ) {
            let lengths: Vec<_> = content.chunks(segment).map(<[u8]>::len).collect();
            let mut message = message(&content, &lengths);
            let length = message.len() as u64;
            let (read, decoded) = decode(&message, content.len() as u64, Some(length), 4);
            prop_assert_eq!((&read, decoded.is_ok()), (&content, true));
            let at = at.index(message.len());
            message[at] ^= flip;
            let (read, decoded) = decode(&message, content.len() as u64, Some(length), 4);
            prop_assert!(decoded.is_err());
            prop_assert_eq!(&read[..], &content[..read.len()]);
        }
    }
}
