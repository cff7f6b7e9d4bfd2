//! TYPE A (RFC 959 section 3.1.1.1): lines end in CRLF on the wire and in LF
//! in files.
//!
//! The two conversions undo each other: every LF of a file becomes CRLF,
//! every CRLF of the wire becomes LF, and a CR by itself stays.

/// Appends `file` bytes to `wire`, each LF as CRLF.
pub fn to_wire(file: &[u8], wire: &mut Vec<u8>) {
    let mut lines = file.split(|&byte| byte == b'\n');
    if let Some(first) = lines.next() {
        wire.extend_from_slice(first);
    }
    for line in lines {
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(line);
    }
}

/// The way back, over any number of pieces: a CR at the end of one is held
/// until the next shows what follows it.
#[derive(Debug, Default)]
pub struct FromWire {
    held: bool,
}

impl FromWire {
    /// Appends `wire` bytes to `file`, each CRLF as LF.
    pub fn convert(&mut self, wire: &[u8], file: &mut Vec<u8>) {
        if wire.is_empty() {
            return;
        }
        if self.held && wire.first() != Some(&b'\n') {
            file.push(b'\r');
        }
        self.held = false;
        let mut pieces = wire.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let ends_line = pieces.peek().is_some();
            match piece.strip_suffix(b"\r") {
                Some(line) => {
                    file.extend_from_slice(line);
                    self.held = !ends_line;
                }
                None => file.extend_from_slice(piece),
            }
            if ends_line {
                file.push(b'\n');
            }
        }
    }

    /// Whether a CR is held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.held
    }

    /// Appends what is held once nothing more comes.
    pub fn finish(&mut self, file: &mut Vec<u8>) {
        if std::mem::take(&mut self.held) {
            file.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(wire: &[u8], step: usize) -> Vec<u8> {
        let (mut file, mut from) = (Vec::new(), FromWire::default());
        for piece in wire.chunks(step) {
            from.convert(piece, &mut file);
        }
        from.finish(&mut file);
        file
    }

    #[test]
    fn there_and_back_is_the_same_at_every_split() {
        for file in [
            &b""[..],
            b"\n",
            b"a\nb\n",
            b"a\r\nb",
            b"\r",
            b"\r\r\n\n\r",
            b"no end",
        ] {
            let mut wire = Vec::new();
            to_wire(file, &mut wire);
            for step in 1..=wire.len().max(1) {
                assert_eq!(back(&wire, step), file, "{file:?} by {step}");
            }
        }
    }

    #[test]
    fn a_lone_cr_stays() {
        assert_eq!(back(b"a\rb\r\nc\r", 1), b"a\rb\nc\r");
    }
}
