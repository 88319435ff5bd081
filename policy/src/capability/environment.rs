//! Which environment variables may be sent to a target.
//!
//! Some variables turn into code on the other side: a dynamic linker's preload, a shell's start file. They are never
//! sent, even where a pattern would match them; the list follows sudo's `initial_badenv_table` and what has been used
//! since. A document that names one is refused, so that nobody believes it is sent.

use std::collections::BTreeSet;
use std::fmt;

use crate::name::shown;

/// Longest value, in bytes.
const LONGEST_VALUE: usize = 4_096;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// Never sent, by name.
const NEVER: &[&str] = &[
    "_",
    "BASHOPTS",
    "BASH_ENV",
    "BROWSER",
    "CDPATH",
    "DBUS_SESSION_BUS_ADDRESS",
    "EDITOR",
    "ENV",
    "FCEDIT",
    "FPATH",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "GLOBIGNORE",
    "HISTFILE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "INPUTRC",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LOCALDOMAIN",
    "LOCPATH",
    "LOGNAME",
    "MAIL",
    "MANPAGER",
    "NLSPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NULLCMD",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "READNULLCMD",
    "RES_OPTIONS",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SUDO_ASKPASS",
    "SUDO_EDITOR",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TERMPATH",
    "TMPDIR",
    "TZDIR",
    "USER",
    "VISUAL",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

/// Never sent, by prefix.
const NEVER_PREFIX: &[&str] = &[
    "BASH_FUNC_",
    "DYLD_",
    "GIT_",
    "KRB5",
    "LD_",
    "LIBPATH",
    "MALLOC_",
    "NIX_",
    "PERL",
    "PYTHON",
    "SSH_",
    "SYSTEMD_",
];

/// Names, and prefixes with a `*` at their end.
///
/// Invariant: every entry is a name in `[A-Za-z_][A-Za-z0-9_]*`, the same with a final `*`, or `*`. An empty set
/// matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvNames(BTreeSet<String>);

/// Why a variable is not sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum EnvRefused {
    /// No pattern names it, or it is not a name at all.
    #[error("it is not on the list")]
    NotListed,
    /// It can turn into code on the target.
    #[error("it can make a program of the target run other code and is never sent")]
    Dangerous,
    /// Its value is too long, holds control characters, or begins like a shell function.
    #[error("its value is too long or holds what no such variable needs")]
    Value,
}

impl EnvNames {
    /// Parses names separated by spaces. The error says what does not hold and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        for pattern in text.split(' ') {
            let stem = pattern.strip_suffix('*').unwrap_or(pattern);
            if !(pattern == "*" || is_name(stem)) {
                return Err(format!(
                    "`{}` is not a variable; accepted: names such as LANG and prefixes such as LC_*, separated by one space each",
                    shown(pattern)
                ));
            }
            if pattern != "*" && is_dangerous(stem) {
                return Err(format!(
                    "`{pattern}` can make a program of the target run other code and is never sent; remove it"
                ));
            }
            names.insert(pattern.to_owned());
        }
        Ok(Self(names))
    }

    /// The names and prefixes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the variable may be sent with this value.
    ///
    /// # Errors
    /// An [`EnvRefused`] that says why not.
    pub fn matches(&self, name: &str, value: &str) -> Result<(), EnvRefused> {
        if !is_name(name) {
            return Err(EnvRefused::NotListed);
        }
        if is_dangerous(name) {
            return Err(EnvRefused::Dangerous);
        }
        if !self.0.iter().any(|pattern| covers(pattern, name)) {
            return Err(EnvRefused::NotListed);
        }
        // `() {` is a function to an old bash (CVE-2014-6271); `/` and `%` in a locale reach files and formats (sudo).
        let is_locale = matches!(name, "LANG" | "LANGUAGE") || name.starts_with("LC_");
        let refused = value.len() > LONGEST_VALUE
            || value.chars().any(char::is_control)
            || value.starts_with("()")
            || (is_locale && value.contains(['/', '%']));
        if refused {
            Err(EnvRefused::Value)
        } else {
            Ok(())
        }
    }

    /// Whether every variable `narrow` names is named by this.
    #[must_use]
    pub fn includes(&self, narrow: &Self) -> bool {
        narrow
            .0
            .iter()
            .all(|pattern| self.0.iter().any(|wide| covers(wide, pattern)))
    }

    /// What both name; `None` when that is nothing.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        let both = |one: &Self, two: &Self| -> BTreeSet<String> {
            one.0
                .iter()
                .filter(|pattern| two.0.iter().any(|wide| covers(wide, pattern)))
                .cloned()
                .collect()
        };
        let mut names = both(self, other);
        names.extend(both(other, self));
        (!names.is_empty()).then_some(Self(names))
    }
}

impl fmt::Display for EnvNames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().collect();
        formatter.write_str(&names.join(" "))
    }
}

/// Whether `wide` matches everything `narrow` does; both may be a name or a prefix with `*`.
fn covers(wide: &str, narrow: &str) -> bool {
    match wide.strip_suffix('*') {
        Some(prefix) => narrow
            .strip_suffix('*')
            .unwrap_or(narrow)
            .starts_with(prefix),
        None => wide == narrow,
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Compared without case: some systems do not tell `path` from `PATH`.
fn is_dangerous(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    NEVER.contains(&name.as_str()) || NEVER_PREFIX.iter().any(|prefix| name.starts_with(prefix))
}
