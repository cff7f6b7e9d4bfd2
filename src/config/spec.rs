//! What a row of the option table is made of, and what is made of the rows.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;

use super::options::Config;

/// What a value of an option looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// YES, TRUE or 1; NO, FALSE or 0; in any case.
    Bool,
    /// A decimal number, or an octal one with a leading 0; fits 32 bits.
    Uint,
    /// The bytes after the `=`, without blanks at either end; none means unset.
    Text,
    /// As `Text`, naming a file or directory of this machine.
    Path,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Bool => "flag",
            Kind::Uint => "number",
            Kind::Text => "text",
            Kind::Path => "path",
        })
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct OptionSpec {
    /// Name as in the configuration file.
    pub name: &'static str,
    /// Kind of the value.
    pub kind: Kind,
    /// Default, in the syntax of the configuration file.
    pub default: &'static str,
    /// Heading under which the documents show the option.
    pub group: &'static str,
    /// What the option does, in ASCII sentences.
    pub doc: &'static str,
    /// Where ironftpd differs from vsftpd, if it does, and why.
    pub note: Option<&'static str>,
    /// Where the value lives.
    pub(super) slot: Slot,
}

impl OptionSpec {
    /// True for modes and umasks, which are read and shown in octal: their
    /// defaults are written with a leading 0.
    #[must_use]
    pub fn is_octal(&self) -> bool {
        self.kind == Kind::Uint && self.default.len() > 1 && self.default.starts_with('0')
    }
}

/// The field of [`Config`] that belongs to a row, to read and to write.
#[derive(Debug)]
pub(super) enum Slot {
    Bool(fn(&Config) -> &Bool, fn(&mut Config) -> &mut Bool),
    Uint(fn(&Config) -> &Uint, fn(&mut Config) -> &mut Uint),
    Text(fn(&Config) -> &Text, fn(&mut Config) -> &mut Text),
    Path(fn(&Config) -> &Path, fn(&mut Config) -> &mut Path),
}

pub(super) type Bool = bool;
pub(super) type Uint = u32;
pub(super) type Text = Box<[u8]>;
pub(super) type Path = Option<PathBuf>;

/// How a stored value is handed out: flags and numbers by value, text and
/// paths borrowed.
pub(crate) trait Setting {
    /// The type a getter returns.
    type Got<'a>
    where
        Self: 'a;
    /// The value, as a getter returns it.
    fn got(&self) -> Self::Got<'_>;
}

impl Setting for Bool {
    type Got<'a> = bool;
    fn got(&self) -> bool {
        *self
    }
}

impl Setting for Uint {
    type Got<'a> = u32;
    fn got(&self) -> u32 {
        *self
    }
}

impl Setting for Text {
    type Got<'a> = &'a [u8];
    fn got(&self) -> &[u8] {
        self
    }
}

impl Setting for Path {
    type Got<'a> = Option<&'a std::path::Path>;
    fn got(&self) -> Option<&std::path::Path> {
        self.as_deref()
    }
}

/// Makes of the table [`Config`] with its getters, and the rows.
macro_rules! options {
    ($( $group:literal { $( $kind:ident $name:ident = $default:literal, $doc:literal $(, $note:literal)?; )* } )*) => {
        /// A complete configuration: a value for every option, and where
        /// each value came from.
        ///
        /// `Config::default()` holds the defaults of the table.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {
            pub(super) origins: BTreeMap<&'static str, Origin>,
            $($( pub(super) $name: $kind, )*)*
        }

        // Getters are not `pub`, and the config floor reads the fields: an
        // option that no other floor consults is then a dead-code warning
        // that points at its own row below.
        impl Config {
            $($(
                #[doc = $doc]
                pub(crate) fn $name(&self) -> <$kind as Setting>::Got<'_> {
                    self.$name.got()
                }
            )*)*

            /// Every field empty: the state before the defaults are read.
            pub(super) fn empty() -> Config {
                Config {
                    origins: BTreeMap::new(),
                    $($( $name: <$kind>::default(), )*)*
                }
            }
        }

        /// Every option, in the order in which the documents show them.
        pub static OPTIONS: &[OptionSpec] = &[ $($( OptionSpec {
            name: stringify!($name),
            kind: Kind::$kind,
            default: $default,
            group: $group,
            doc: $doc,
            note: options!(@note $($note)?),
            slot: Slot::$kind(|config| &config.$name, |config| &mut config.$name),
        }, )*)* ];
    };
    (@note) => { None };
    (@note $note:literal) => { Some($note) };
}

pub(super) use options;
