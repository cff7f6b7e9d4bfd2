//! A pattern cut up: wildcards, classes and braces apart from what stands for
//! itself. What it matches is the affair of [`super::pattern`].
#![forbid(unsafe_code)]

/// A set of octets, a bit for each.
pub(super) type Class = [u64; 4];

/// A piece of a pattern, its braces not yet paired.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// This octet.
    Octet(u8),
    /// Any one octet: `?`.
    Any,
    /// One of these: `[a-z]`.
    Class(Class),
    /// Any octets, or none: `*`.
    Star,
    /// `{`, perhaps of alternatives.
    Open,
    /// `,`, perhaps between them.
    Comma,
    /// `}`, perhaps behind them.
    Close,
}

/// Cuts up a pattern.
pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    // Once a bracket has no end, none behind it has one.
    let mut closed = true;
    while let [octet, after @ ..] = rest {
        rest = after;
        tokens.push(match octet {
            // A second star in a row says nothing more.
            b'*' if matches!(tokens.last(), Some(Token::Star)) => continue,
            b'*' => Token::Star,
            b'?' => Token::Any,
            b'{' => Token::Open,
            b',' => Token::Comma,
            b'}' => Token::Close,
            b'[' if closed => match class(after) {
                Some((class, after)) => {
                    rest = after;
                    Token::Class(class)
                }
                None => {
                    closed = false;
                    Token::Octet(b'[')
                }
            },
            b'\\' => {
                let (literal, after) = after.split_first().unwrap_or((octet, after));
                rest = after;
                Token::Octet(*literal)
            }
            octet => Token::Octet(*octet),
        });
    }
    tokens
}

/// Pairs the braces: `None` for a token that stands for itself, and for an
/// opening brace how many commas it has.
pub(super) fn commas(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut found = vec![None; tokens.len()];
    // Where braces were opened, and the commas within each.
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Octet(_) | Token::Any | Token::Class(_) | Token::Star => {}
            Token::Open => open.push((place, Vec::new())),
            Token::Comma => {
                if let Some((_, commas)) = open.last_mut() {
                    commas.push(place);
                }
            }
            Token::Close => {
                let Some((start, commas)) = open.pop() else {
                    continue;
                };
                let count = commas.len();
                for place in commas.into_iter().chain([start, place]) {
                    if let Some(slot) = found.get_mut(place) {
                        *slot = Some(count);
                    }
                }
            }
        }
    }
    found
}

/// Reads a class, its `[` already taken: what it holds, and what follows it.
/// None if it has no end.
fn class(pattern: &[u8]) -> Option<(Class, &[u8])> {
    let (negated, mut rest) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = [0_u64; 4];
    let mut first = true;
    loop {
        let low;
        (low, rest) = match rest {
            // A bracket right at the beginning is a member.
            [b']', rest @ ..] if !first => {
                let found = if negated {
                    found.map(|word| !word)
                } else {
                    found
                };
                return Some((found, rest));
            }
            rest => member(rest)?,
        };
        first = false;
        let mut high = low;
        if let [b'-', after @ ..] = rest
            && after.first() != Some(&b']')
        {
            (high, rest) = member(after)?;
        }
        for octet in low..=high {
            if let Some(word) = found.get_mut(usize::from(octet / 64)) {
                *word |= 1 << (octet % 64);
            }
        }
    }
}

/// One octet of a class and what follows it.
fn member(pattern: &[u8]) -> Option<(u8, &[u8])> {
    match pattern {
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => Some((*literal, rest)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_apart() {
        let letters = [Token::Octet(b'a'), Token::Star, Token::Any];
        assert_eq!(tokens(b"a**?"), letters);
        assert_eq!(tokens(b"\\*\\"), [Token::Octet(b'*'), Token::Octet(b'\\')]);
        let [Token::Class(class), Token::Close] = &tokens(b"[!a]}")[..] else {
            panic!("not a class")
        };
        assert_eq!(class[1], !(1 << (b'a' - 64)));
    }

    #[test]
    fn braces_find_their_others() {
        assert_eq!(
            commas(&tokens(b"{a,{b}c")),
            [None, None, None, Some(0), None, Some(0), None]
        );
        assert_eq!(
            commas(&tokens(b",{,,},")),
            [None, Some(2), Some(2), Some(2), Some(2), None]
        );
    }
}
