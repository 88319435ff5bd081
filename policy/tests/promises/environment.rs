//! Promises of variables: a pattern reaches the harmless alone, and a value what its variable needs (F2).

use ecluse_policy::capability::{EnvNames, EnvRefused};
use ecluse_policy::*;

fn names(text: &str) -> EnvNames {
    match Capability::parse(&format!("env: {text}")).unwrap() {
        Capability::Env(names) => names,
        other => panic!("{other}"),
    }
}

/// Whatever a pattern says, it reaches the harmless alone; a name reaches itself, unless it is never sent.
#[test]
fn a_star_reaches_the_harmless_and_a_name_reaches_itself() {
    let all = names("*");
    for harmless in [
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_TIME",
        "TZ",
        "NO_COLOR",
        "COLORTERM",
        "TERM_PROGRAM",
    ] {
        assert_eq!(all.matches(harmless, "x"), Ok(()), "{harmless}");
    }
    for other in [
        "ORACLE_SID",
        "PGDATABASE",
        "EDITION",
        "TERM",
        "LINES",
        "T",
        "LANGUAGES",
    ] {
        assert_eq!(
            all.matches(other, "x"),
            Err(EnvRefused::NotListed),
            "{other}"
        );
        assert_eq!(
            names("O* P* E* T* L*").matches(other, "x"),
            Err(EnvRefused::NotListed),
            "{other}"
        );
        assert_eq!(names(other).matches(other, "x"), Ok(()), "{other}");
    }
    assert!(!names("*").includes(&names("ORACLE_SID")));
    assert_eq!(
        names("*").common(&names("ORACLE_SID LANG")),
        Some(names("LANG"))
    );
    for never in [
        "TAR_OPTIONS",
        "LESS",
        "LESSOPEN",
        "LESSSECURE",
        "VIMINIT",
        "EXINIT",
        "RSYNC_RSH",
        "LUA_INIT",
        "LUA_INIT_5_4",
        "PSQLRC",
        "MAKEFLAGS",
        "GNUMAKEFLAGS",
        "MFLAGS",
        "X_PRELOAD",
        "CURLRC",
        "SCREENRC",
        "JAVA_OPTS",
        "PSQL_PAGER",
        "PSQL_EDITOR",
        "GIT_PAGER",
        "BORG_RSH",
        "SSH_ASKPASS",
        "SUDO_ASKPASS",
        "http_proxy",
        "ALL_PROXY",
        "PGHOST",
        "PGSERVICEFILE",
        "PGSSLMODE",
        "DISPLAY",
        "TAPE",
        "CLASSPATH",
        "JAVA_HOME",
        "ORACLE_HOME",
        "PYTHONSTARTUP",
        "LD_LIBRARY_PATH",
        "KUBECONFIG",
        "DOCKER_HOST",
        "MANROFFOPT",
        "XZ_OPT",
        "XZ_DEFAULTS",
        "LC_RC",
        "TNS_ADMIN",
        "TWO_TASK",
        "LDAPURI",
        "VIRSH_DEFAULT_CONNECT_URI",
        "DATABASE_URL",
        "R_PROFILE_USER",
        "BZR_SSH",
        "DOTNET_STARTUP_HOOKS",
        "CORECLR_PROFILER",
        "CC",
        "CXX",
        "AR",
        "AS",
        "LD",
        "REDISCLI_RCFILE",
        "YARN_RC_FILENAME",
        "LYNX_CFG",
        "ETCDCTL_ENDPOINTS",
        "NNTPSERVER",
        "DEBUGINFOD_URLS",
        "SSL_CERT_FILE",
        "SSLKEYLOGFILE",
        "MYSQL_TEST_LOGIN_FILE",
        "REQUESTS_CA_BUNDLE",
        "CMAKE_CXX_COMPILER_LAUNCHER",
        "GOROOT",
    ] {
        assert_eq!(
            names(never).matches(never, "x"),
            Err(EnvRefused::Dangerous),
            "{never}"
        );
        assert_eq!(
            all.matches(never, "x"),
            Err(EnvRefused::Dangerous),
            "{never}"
        );
    }
}

/// `TERM` passes beside the terminal's own request too, and is held to the same form.
#[test]
fn a_value_holds_what_its_variable_needs() {
    let names = names("TERM TZ");
    for good in [
        "Europe/Paris",
        "UTC",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+03>-3",
    ] {
        assert_eq!(names.matches("TZ", good), Ok(()), "{good}");
    }
    for bad in [
        "/etc/passwd",
        ":/etc/passwd",
        "../x",
        "a/../../x",
        "a b",
        "$(id)",
        &"a".repeat(65),
    ] {
        assert_eq!(names.matches("TZ", bad), Err(EnvRefused::Value), "{bad}");
    }
    assert_eq!(names.matches("TERM", "xterm-256color"), Ok(()));
    for bad in ["() { :;}; id", "../x", "a b", &"a".repeat(65)] {
        assert_eq!(names.matches("TERM", bad), Err(EnvRefused::Value), "{bad}");
    }
}
