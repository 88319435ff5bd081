//! Which environment variables may be sent to a target.
//!
//! Three rules, the strictest wins:
//! - a `*` reaches the harmless alone: language, time zone, colours. Whatever else a client sends is written by its name;
//! - some variables turn into code on the other side, or lead a program to another server: a dynamic linker's preload, a
//!   start file, a pager, a proxy. They are never sent, whatever is written. The list follows sudo's
//!   `initial_badenv_table` and what has been used since; most of it is a kind, told by the name's end;
//! - a value holds what such a variable needs and no more.

use std::collections::BTreeSet;
use std::fmt;

use crate::name::shown;
use crate::terms::Term;

/// Longest value, in bytes.
const LONGEST_VALUE: usize = 4_096;
/// Longest time zone, in bytes.
const LONGEST_ZONE: usize = 64;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// What a `*` reaches: these, and `LC_…`.
const HARMLESS: &[&str] = &[
    "COLORTERM",
    "LANG",
    "LANGUAGE",
    "NO_COLOR",
    "TERM_PROGRAM",
    "TZ",
];
/// The categories of a locale.
const LOCALE: &str = "LC_";
/// The same in words.
const HARMLESS_WORDS: &str = "LANG, LANGUAGE, LC_*, TZ, NO_COLOR, COLORTERM and TERM_PROGRAM";

/// Never sent, by name.
const NEVER: &[&str] = &[
    "_",
    "AR",
    "AS",
    "BASHOPTS",
    "BASH_ENV",
    "CC",
    "CPP",
    "CXX",
    "DISPLAY",
    "ENV",
    "FC",
    "FCEDIT",
    "GLIBC_TUNABLES",
    "GLOBIGNORE",
    "GOROOT",
    "GOTOOLCHAIN",
    "GZIP",
    "HISTFILE",
    "HOSTALIASES",
    "IFS",
    "LD",
    "LDAPURI",
    "LOCALDOMAIN",
    "LOGNAME",
    "MAIL",
    "MAKEFILES",
    "PGGSSENCMODE",
    "PGHOST",
    "PGHOSTADDR",
    "PGPASSFILE",
    "PGPORT",
    "PGSERVICE",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "SHELLOPTS",
    "TAPE",
    "R_ENVIRON",
    "R_ENVIRON_USER",
    "R_PROFILE",
    "R_PROFILE_USER",
    "SSLKEYLOGFILE",
    "TERMCAP",
    "TERMINFO",
    "TNS_ADMIN",
    "TWO_TASK",
    "USER",
    "VISUAL",
];

/// Never sent, by how the name begins: the variables of what runs code.
const NEVER_PREFIX: &[&str] = &[
    "ANSIBLE_",
    "AWS_",
    "AZURE_",
    "BASH_FUNC_",
    "BUNDLE_",
    "BZR_",
    "CARGO_",
    "CATALINA_",
    "COMPLUS_",
    "COMPOSER_",
    "CONDA_",
    "CONSUL_",
    "CONTAINER_",
    "CORECLR_",
    "COR_",
    "CURL_",
    "CVS",
    "DBUS_",
    "DEBUGINFOD_",
    "DOCKER_",
    "DOTNET_",
    "DYLD_",
    "EMACS",
    "ERL_",
    "ETCDCTL_",
    "GCONV_",
    "GEM_",
    "GHC",
    "GIO_",
    "GIT_",
    "GOOGLE_",
    "GRADLE_",
    "GROFF_",
    "GTK_",
    "GUILE_",
    "HELM_",
    "HG",
    "JAVA_",
    "JDK_",
    "JULIA_",
    "KRB5",
    "KUBE",
    "LD_",
    "LESS",
    "LIBMYSQL_",
    "LIBPATH",
    "LUA_",
    "LYNX_",
    "MALLOC_",
    "MAVEN_",
    "MONGO_",
    "MONO_",
    "MUSL_",
    "MYSQL_",
    "NIX_",
    "NODE_",
    "NOMAD_",
    "NPM_",
    "OPENSSL_",
    "PERL",
    "PGSSL",
    "PHP",
    "PIP_",
    "PODMAN_",
    "POETRY_",
    "PYTHON",
    "REDISCLI_",
    "RSYNC_",
    "RUBY",
    "RUSTC",
    "SSH_",
    "SSL_",
    "STACK_",
    "SUDO_",
    "SVN_",
    "SYSTEMD_",
    "TCL",
    "TEX",
    "VAULT_",
    "WGET",
    "XDG_",
    "YARN_",
    "_JAVA_",
];

/// Never sent, by how the name ends: a place to load from, a program to run, options for one, its start file.
const NEVER_SUFFIX: &[&str] = &[
    "AGENT",
    "ARGS",
    "ASKPASS",
    "BROWSER",
    "CMD",
    "COMMAND",
    "COMPILER",
    "CONF",
    "CONFIG",
    "DEFAULTS",
    "DIR",
    "DIRS",
    "EDITOR",
    "ENDPOINT",
    "ENDPOINTS",
    "FILE",
    "FILENAME",
    "FILES",
    "FLAGS",
    "HOME",
    "HOOK",
    "HOOKS",
    "INIT",
    "LAUNCHER",
    "LIB",
    "LIBRARIES",
    "LIBRARY",
    "LOADER",
    "MODULE",
    "MODULES",
    "OPT",
    "OPTIONS",
    "OPTS",
    "PAGER",
    "PATH",
    "PLUGIN",
    "PLUGINS",
    "PRELOAD",
    "PROFILE",
    "PROFILER",
    "PROG",
    "PROVIDER",
    "PROXY",
    "RC",
    "REGISTRY",
    "RSH",
    "SERVER",
    "SERVERS",
    "SHELL",
    "SOCK",
    "SOCKET",
    "STARTUP",
    "URI",
    "URL",
    "URLS",
    "VIEWER",
    "WRAPPER",
    "_ADDR",
    "_BIN",
    "_BUNDLE",
    "_CERT",
    "_CFG",
    "_EXE",
    "_HOST",
    "_HOSTS",
    "_SSH",
];

/// Names, and prefixes with a `*` at their end.
///
/// Invariant: every entry is a name in `[A-Za-z_][A-Za-z0-9_]*`, the same with a final `*`, or `*`. An empty set
/// matches nothing, and no entry, whatever it says, matches what is never sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvNames(BTreeSet<String>);

/// Why a variable is not sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum EnvRefused {
    /// No pattern names it, or it is not a name at all.
    #[error("it is not on the list")]
    NotListed,
    /// It can turn into code on the target.
    #[error(
        "it can make a program of the target run other code or turn to another server, and is never sent"
    )]
    Dangerous,
    /// Its value is too long, holds control characters, or begins like a shell function.
    #[error("its value is too long or holds what no such variable needs")]
    Value,
}

impl EnvNames {
    /// Parses names separated by spaces. The error says what does not hold and what to write. What is never sent reads
    /// too, so that what was granted before a name came on that list still reads; it opens nothing ([`Self::matches`]),
    /// and a document is told ([`Self::never_sent`]).
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
            names.insert(pattern.to_owned());
        }
        Ok(Self(names))
    }

    /// The names and prefixes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What stands here for nothing, and what to write: so that nobody believes that it is sent.
    pub(crate) fn never_sent(&self) -> Vec<String> {
        self.iter()
            .filter_map(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) if reaches_harmless(prefix) => None,
                Some(_) => Some(format!(
                    "`{pattern}` reaches nothing: a `*` reaches {HARMLESS_WORDS}; write any other variable by its full name"
                )),
                None if is_dangerous(pattern) => Some(format!(
                    "`{pattern}` can make a program of the target run other code or turn to another server, and is never sent; remove it"
                )),
                None => None,
            })
            .collect()
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
        let is_locale = matches!(name, "LANG" | "LANGUAGE") || name.starts_with(LOCALE);
        let refused = value.len() > LONGEST_VALUE
            || value.chars().any(char::is_control)
            || value.starts_with("()")
            || (is_locale && value.contains(['/', '%']))
            || (name == "TZ" && !is_time_zone(value))
            // The same name, by another way than the terminal's own request.
            || (name == "TERM" && Term::parse(value).is_err());
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
    match (wide.strip_suffix('*'), narrow.strip_suffix('*')) {
        (Some(prefix), Some(narrow)) => narrow.starts_with(prefix),
        (Some(prefix), None) => narrow.starts_with(prefix) && is_harmless(narrow),
        (None, _) => wide == narrow,
    }
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name) || name.starts_with(LOCALE)
}

/// Whether some harmless variable begins so.
fn reaches_harmless(prefix: &str) -> bool {
    HARMLESS.iter().any(|name| name.starts_with(prefix))
        || LOCALE.starts_with(prefix)
        || prefix.starts_with(LOCALE)
}

/// `Europe/Paris`, `CET-1CEST,M3.5.0,M10.5.0/3`: a name or a rule of POSIX, and no file outside the zones' own folder.
fn is_time_zone(value: &str) -> bool {
    value.len() <= LONGEST_ZONE
        && !value.starts_with('/')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+-/,.<>".contains(&byte))
        && !value.split('/').any(|part| part == "..")
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
    NEVER.contains(&name.as_str())
        || NEVER_PREFIX.iter().any(|prefix| name.starts_with(prefix))
        || NEVER_SUFFIX.iter().any(|suffix| name.ends_with(suffix))
}
