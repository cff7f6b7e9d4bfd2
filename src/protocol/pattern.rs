//! Wildcards in the pathname of LIST, NLST and STAT, as a shell has them: `*`,
//! `?`, `[a-z]`, `[!a-z]` or `[^a-z]`, `{one,other}`, and `\` before a character
//! meant as such.
//!
//! A pattern is a client's, so it must not cost more than its length times
//! the name's: it is turned into a list of nodes once, and all places that it
//! may have come to are followed together, each once for an octet of the name.
//! Nothing recurses, and alternatives are never multiplied out. The steps of
//! all names together are taken from a [`Budget`].
#![forbid(unsafe_code)]

use crate::protocol::glob::{Class, Token, commas, tokens};

/// Longest pattern, in octets.
pub const MAX_PATTERN: usize = 512;

/// Words of a set of places: an octet makes two nodes at most, and there is
/// one place behind the last.
const WORDS: usize = (2 * MAX_PATTERN + 1).div_ceil(64);

/// Whether `pathname` holds what [`Pattern`] may take for a wildcard. A file
/// may be named so: look for that one first.
#[must_use]
pub fn has_wildcard(pathname: &[u8]) -> bool {
    let brace = pathname.iter().position(|byte| *byte == b'{');
    let closed = brace.and_then(|at| pathname.get(at..)?.iter().position(|byte| *byte == b'}'));
    closed.is_some()
        || pathname
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// How many steps matching may still take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget(u64);

impl Budget {
    /// So many steps, of which a second has some hundred million.
    #[must_use]
    pub const fn new(steps: u64) -> Budget {
        Budget(steps)
    }

    /// Whether it is spent, so that nothing matches any more.
    #[must_use]
    pub const fn is_spent(self) -> bool {
        self.0 == 0
    }

    fn spend(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }
}

/// A pattern for one name without slashes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    nodes: Vec<Node>,
    /// A dot at the beginning of a name is an octet like any other.
    dots: bool,
}

/// What stands at one place of a pattern. Targets lie ahead of their node.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Node {
    /// This octet.
    Octet(u8),
    /// Any one octet.
    Any,
    /// One of these, a bit for each octet.
    Class(Class),
    /// Any octets, or none.
    Star,
    /// Goes on at the next node and at this one.
    Fork(usize),
    /// Goes on at this node.
    Jump(usize),
}

impl Pattern {
    /// Reads a pattern; `None` for one of more than [`MAX_PATTERN`] octets.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Pattern> {
        if text.len() > MAX_PATTERN {
            return None;
        }
        let tokens = tokens(text);
        let commas = commas(&tokens);
        let mut nodes = Vec::with_capacity(tokens.len());
        // Open braces: commas still to come, the fork, the jumps to the end.
        let mut open: Vec<(usize, usize, Vec<usize>)> = Vec::new();
        for (token, commas) in tokens.into_iter().zip(commas) {
            match (&token, commas) {
                (Token::Open, Some(commas)) => {
                    open.push((commas, nodes.len(), Vec::new()));
                    if commas > 0 {
                        nodes.push(Node::Fork(0));
                    }
                }
                (Token::Comma, Some(_)) => {
                    let Some((left, fork, jumps)) = open.last_mut() else {
                        continue;
                    };
                    jumps.push(nodes.len());
                    nodes.push(Node::Jump(0));
                    set(&mut nodes, *fork, Node::Fork);
                    *left -= 1;
                    *fork = nodes.len();
                    if *left > 0 {
                        nodes.push(Node::Fork(0));
                    }
                }
                (Token::Close, Some(_)) => {
                    let (_, _, jumps) = open.pop().unwrap_or_default();
                    for jump in jumps {
                        set(&mut nodes, jump, Node::Jump);
                    }
                }
                _ => nodes.push(match token {
                    Token::Any => Node::Any,
                    Token::Star => Node::Star,
                    Token::Class(class) => Node::Class(class),
                    Token::Octet(octet) => Node::Octet(octet),
                    // Braces and commas without their others.
                    Token::Open => Node::Octet(b'{'),
                    Token::Comma => Node::Octet(b','),
                    Token::Close => Node::Octet(b'}'),
                }),
            }
        }
        Some(Pattern { nodes, dots: false })
    }

    /// The same pattern, whose wildcards also take a dot at the beginning.
    #[must_use]
    pub fn with_dots(mut self) -> Pattern {
        self.dots = true;
        self
    }

    /// Whether all of `name` is matched. A dot at its beginning is matched by
    /// a dot only, unless `with_dots` has it otherwise. Octets are compared: a `?` stands for one octet, not for
    /// one character of many octets. Nothing is matched on a spent budget.
    #[must_use]
    pub fn matches(&self, name: &[u8], budget: &mut Budget) -> bool {
        // Nearly every pattern is short, and goes through one word.
        if self.nodes.len() < 64 {
            self.follow::<1>(name, budget)
        } else {
            self.follow::<WORDS>(name, budget)
        }
    }

    fn follow<const N: usize>(&self, name: &[u8], budget: &mut Budget) -> bool {
        let mut here = Places::<N>::at(0);
        for (at, octet) in name.iter().enumerate() {
            let hidden = at == 0 && *octet == b'.' && !self.dots;
            let mut next = Places::none();
            let mut from = 0;
            while let Some(place) = here.first(from) {
                from = place + 1;
                budget.spend();
                let moved = match self.nodes.get(place) {
                    Some(Node::Fork(target)) => {
                        here.add(*target);
                        here.add(place + 1);
                        false
                    }
                    Some(Node::Jump(target)) => {
                        here.add(*target);
                        false
                    }
                    // A star before a dot is in its way even if it is empty.
                    Some(Node::Star) if hidden => false,
                    Some(Node::Star) => {
                        here.add(place + 1);
                        next.add(place);
                        false
                    }
                    Some(Node::Octet(literal)) => literal == octet,
                    Some(Node::Any) => !hidden,
                    Some(Node::Class(class)) => !hidden && holds(class, *octet),
                    None => false,
                };
                if moved {
                    next.add(place + 1);
                }
            }
            here = next;
            if here.is_empty() || budget.is_spent() {
                return false;
            }
        }
        self.is_end(here)
    }

    /// Whether one of the places is the end, or leads there without an octet.
    fn is_end<const N: usize>(&self, mut here: Places<N>) -> bool {
        let mut from = 0;
        while let Some(place) = here.first(from) {
            from = place + 1;
            match self.nodes.get(place) {
                None => return true,
                Some(Node::Star) => here.add(place + 1),
                Some(Node::Jump(target)) => here.add(*target),
                Some(Node::Fork(target)) => {
                    here.add(*target);
                    here.add(place + 1);
                }
                Some(Node::Octet(_) | Node::Any | Node::Class(_)) => {}
            }
        }
        false
    }
}

/// Gives the node at `place` the end of the list as its target.
fn set(nodes: &mut [Node], place: usize, node: fn(usize) -> Node) {
    let end = nodes.len();
    if let Some(placed) = nodes.get_mut(place) {
        *placed = node(end);
    }
}

/// A set of places in a pattern.
#[derive(Clone, Copy)]
struct Places<const N: usize>([u64; N]);

impl<const N: usize> Places<N> {
    fn none() -> Self {
        Places([0; N])
    }

    fn at(place: usize) -> Self {
        let mut places = Places::none();
        places.add(place);
        places
    }

    fn add(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The first place not before `from`.
    fn first(&self, from: usize) -> Option<usize> {
        let mut mask = u64::MAX << (from % 64);
        for (index, word) in self.0.iter().enumerate().skip(from / 64) {
            let found = word & mask;
            if found != 0 {
                return Some(index * 64 + usize::try_from(found.trailing_zeros()).ok()?);
            }
            mask = u64::MAX;
        }
        None
    }
}

fn holds(class: &Class, octet: u8) -> bool {
    let word = class.get(usize::from(octet / 64)).copied();
    word.unwrap_or_default() >> (octet % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches without a thought of the cost.
    fn matches(pattern: &[u8], name: &[u8]) -> bool {
        let pattern = Pattern::new(pattern).unwrap();
        pattern.matches(name, &mut Budget::new(u64::MAX))
    }

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(
                matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} must match {name}"
            );
        }
        for name in no {
            assert!(
                !matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} must not match {name}"
            );
        }
    }

    #[test]
    fn stars_and_question_marks() {
        check("*", &["", "a", "abc"], &[]);
        check("a*c", &["ac", "abc", "abcbc"], &["a", "ab", "abcd", "xac"]);
        check("*.txt", &["a.txt", "a.txt.txt"], &["a.txt.gz", "txt"]);
        check("?", &["a"], &["", "ab"]);
        check("a??", &["abc"], &["ab", "abcd"]);
        check("**a**", &["a", "xax"], &["", "x"]);
        check("", &[""], &["a"]);
        check("*a?b*", &["aab", "aaxb", "xaybz"], &["ab", "axxb"]);
        check("?*?", &["ab", "abc"], &["a"]);
    }

    #[test]
    fn classes() {
        check("[abc]x", &["ax", "cx"], &["dx", "x", "abx"]);
        check("[a-c]", &["a", "b", "c"], &["d", "-", "A"]);
        check("[!a-c]", &["d", "-"], &["a", "c", ""]);
        check("[^a]", &["b", "^"], &["a"]);
        check("[]a]", &["]", "a"], &["b"]);
        check("[!]a]", &["b"], &["]", "a"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[-a]", &["a", "-"], &["b"]);
        check("[z-a]", &[], &["a", "m", "z"]);
        check("[\\]]", &["]"], &["\\", "a"]);
        check("[a\\-c]", &["a", "-", "c"], &["b"]);
        check("x[*]y", &["x*y"], &["xay"]);
        check("*[0-9]", &["a1", "12"], &["a"]);
    }

    #[test]
    fn a_class_without_end_is_a_bracket() {
        check("[", &["["], &["a"]);
        check("[a", &["[a"], &["a"]);
        check("[]", &["[]"], &["]"]);
        check("[!", &["[!"], &["a"]);
        check("[a-", &["[a-"], &["a"]);
        check("*[a", &["x[a"], &["xa"]);
        check("*[ab][", &["xa[", "[[b["], &["x[", "a"]);
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        check("a\\*b", &["a*b"], &["axb", "a\\*b"]);
        check("\\?", &["?"], &["a"]);
        check("\\[a]", &["[a]"], &["a"]);
        check("\\\\", &["\\"], &["\\\\"]);
        check("a\\", &["a\\"], &["a"]);
        check("*\\", &["a\\"], &["a"]);
    }

    #[test]
    fn a_leading_dot_needs_a_dot() {
        check("*", &[], &[".", ".a"]);
        check("?a", &[], &[".a"]);
        check("[.]a", &[], &[".a"]);
        check(".*", &[".", "..", ".a"], &["a"]);
        check("\\.a", &[".a"], &[]);
        check("a*", &["a.b"], &[]);
    }

    #[test]
    fn octets_above_ascii_are_octets() {
        assert!(matches(b"\xE4*", b"\xE4\xBD\xA0"));
        assert!(matches(b"[\x80-\xFF]", b"\xFF"));
        assert!(!matches(b"?", "é".as_bytes()));
        assert!(matches(b"[\\", b"[\\"));
    }

    #[test]
    fn wildcards_are_seen() {
        assert!(has_wildcard(b"a*") && has_wildcard(b"?") && has_wildcard(b"a[1]"));
        assert!(has_wildcard(b"a{b,c}") && has_wildcard(b"{}"));
        assert!(!has_wildcard(b"a\\b]}{c") && !has_wildcard(b""));
    }

    #[test]
    fn braces_hold_alternatives() {
        check(
            "{one,two}.txt",
            &["one.txt", "two.txt"],
            &["onetwo.txt", ".txt"],
        );
        check("a{,b,c*}", &["a"], &["ad"]);
        check("a{,b,c*}", &["ab", "ac", "acxx"], &["abc"]);
        check("{a,b}{1,2}", &["a1", "a2", "b1", "b2"], &["a", "ab", "a12"]);
        check(
            "x{a,{b,c}d}y",
            &["xay", "xbdy", "xcdy"],
            &["xby", "xady", "xdy"],
        );
        check("{abc}", &["abc"], &["{abc}"]);
        check("{}", &[""], &["{}"]);
        check("{*.c,*.h}", &["a.c", "b.h"], &["a.o", ".c"]);
        check("{[ab],\\,}", &["a", "b", ","], &["", "\\"]);
        check("*{a,b}*", &["xay", "b"], &["xy"]);
    }

    #[test]
    fn a_brace_without_its_other_is_a_brace() {
        check("{a", &["{a"], &["a"]);
        check("a}", &["a}"], &["a"]);
        check("a,b", &["a,b"], &["a", "b"]);
        check("{a,{b,c}", &["{a,b", "{a,c"], &["a", "b"]);
        check("}{", &["}{"], &[""]);
        check("\\{a,b}", &["{a,b}"], &["a", "b"]);
        check("{a,b\\}", &["{a,b}"], &["a", "b"]);
    }

    #[test]
    fn a_hidden_name_needs_its_dot_in_braces_too() {
        check("{*,.*}", &[".a", "a"], &[]);
        check("{,a}*", &["a"], &[".a"]);
        check("{.,x}a", &[".a", "xa"], &[]);
    }

    #[test]
    fn a_pattern_has_a_longest_length() {
        assert!(Pattern::new(&[b'*'; MAX_PATTERN]).is_some());
        assert!(Pattern::new(&[b','; MAX_PATTERN + 1]).is_none());
        let commas = [b"{".to_vec(), b",".repeat(MAX_PATTERN - 2), b"}".to_vec()].concat();
        assert!(matches(&commas, b""), "as many nodes as there can be");
        let last = [b"{".to_vec(), b",".repeat(MAX_PATTERN - 3), b"a}".to_vec()].concat();
        assert!(matches(&last, b"a") && !matches(&last, b"b"));
    }

    #[test]
    fn hostile_patterns_end_within_their_bound() {
        // Backtracking into every star, or multiplying braces out, would take
        // longer than the universe.
        let name = vec![b'a'; 255];
        for pattern in [
            [b"*a".repeat(255), b"b".to_vec()].concat(),
            [b"*".to_vec(), b"[!b-y]".repeat(80), b"b".to_vec()].concat(),
            b"{a,aa}".repeat(85),
            b"{*,*}".repeat(100),
            [b"{".repeat(255), b"}".repeat(255)].concat(),
            [b"*".to_vec(), b"[".repeat(500)].concat(),
        ] {
            let steps = 1 << 20;
            let mut budget = Budget::new(steps);
            let pattern = Pattern::new(&pattern).unwrap();
            let _ = pattern.matches(&name, &mut budget);
            assert!(!budget.is_spent(), "{} nodes", pattern.nodes.len());
        }
        assert!(!matches(&b"*a".repeat(255), &[b'a'; 254]));
        assert!(matches(&b"{a,aa}".repeat(85), &[b'a'; 170]));
        assert!(!matches(&b"{a,aa}".repeat(85), &[b'a'; 171]));
    }

    #[test]
    fn a_spent_budget_matches_nothing() {
        let pattern = Pattern::new(b"*a*").unwrap();
        let mut budget = Budget::new(20);
        assert!(pattern.matches(b"xa", &mut budget));
        while !budget.is_spent() {
            let _ = pattern.matches(b"xa", &mut budget);
        }
        assert!(!pattern.matches(b"xa", &mut budget));
    }

    #[test]
    fn agrees_with_a_plain_recursive_matcher() {
        fn plain(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern, name) {
                ([], []) => true,
                ([b'*', p @ ..], _) => {
                    plain(p, name) || (!name.is_empty() && plain(pattern, &name[1..]))
                }
                ([b'?', p @ ..], [_, n @ ..]) => plain(p, n),
                ([a, p @ ..], [b, n @ ..]) if a == b => plain(p, n),
                _ => false,
            }
        }
        let letters = |seed: usize, length: u32, alphabet: &[u8]| -> Vec<u8> {
            (0..length)
                .map(|i| alphabet[seed / alphabet.len().pow(i) % alphabet.len()])
                .collect()
        };
        for p in 0..4_usize.pow(5) {
            let pattern = letters(p, 5, b"ab*?");
            for n in 0..2_usize.pow(5) {
                let name = letters(n, 5, b"ab");
                assert_eq!(
                    matches(&pattern, &name),
                    plain(&pattern, &name),
                    "{pattern:?} {name:?}"
                );
                assert_eq!(matches(&pattern[..4], &name), plain(&pattern[..4], &name));
            }
        }
    }
}
