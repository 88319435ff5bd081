//! Patterns against paths, and against one another.

use super::*;
use proptest::prelude::*;

fn glob(text: &str) -> PathGlob {
    PathGlob::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn path(text: &str) -> TargetPath {
    TargetPath::canonical(text.as_bytes()).unwrap()
}

#[test]
fn a_star_stays_within_a_name_and_two_cross() {
    for (pattern, named, not) in [
        ("/", vec!["/"], vec!["/a"]),
        ("/a", vec!["/a"], vec!["/", "/a/b", "/ab", "/A"]),
        ("/a/*", vec!["/a/b", "/a/.b"], vec!["/a", "/a/b/c"]),
        (
            "/a/*.log",
            vec!["/a/.log", "/a/x.log"],
            vec!["/a/x.log.gz", "/a/b/x.log"],
        ),
        ("/a/**", vec!["/a/b", "/a/b/c"], vec!["/a", "/ab", "/ab/c"]),
        (
            "/a/**/z",
            vec!["/a/z", "/a/b/z", "/a/b/c/z"],
            vec!["/a", "/z", "/a/z/b"],
        ),
        ("/**", vec!["/a", "/a/b"], vec!["/"]),
        (
            "/a/x*y*z",
            vec!["/a/xyz", "/a/x1y2y3z"],
            vec!["/a/xz", "/a/xyza"],
        ),
        (
            "/**/a/**",
            vec!["/a/b", "/x/a/b", "/a/a/a"],
            vec!["/a", "/x/a"],
        ),
    ] {
        let pattern = glob(pattern);
        named
            .iter()
            .for_each(|text| assert!(pattern.matches(&path(text)), "{pattern} {text}"));
        not.iter()
            .for_each(|text| assert!(!pattern.matches(&path(text)), "{pattern} {text}"));
    }
}

#[test]
fn bytes_that_are_no_text_have_a_spelling() {
    let latin = TargetPath::canonical(b"/srv/caf\xe9").unwrap();
    assert!(glob("/srv/caf\\xE9").matches(&latin));
    assert!(glob("/srv/caf*").matches(&latin));
    assert!(!glob("/srv/café").matches(&latin));
    assert_eq!(glob("/srv/caf\\xe9").to_string(), "/srv/caf\\xE9");
    assert_eq!(glob("/srv/\\xC3\\xA9").to_string(), "/srv/é");
    assert_eq!(
        glob("/a b/\\*\\[1\\]\\x20").to_string(),
        "/a b/\\*\\[1\\]\\x20"
    );
    assert_eq!(PathGlob::exactly(&latin).to_string(), "/srv/caf\\xE9");
}

#[test]
fn what_cannot_hold_is_told_with_what_to_write() {
    for (text, told) in [
        ("", "does not begin with `/`"),
        ("var/log", "does not begin with `/`"),
        ("~/x", "write the absolute path"),
        ("/var/log/", "write /var/log/**"),
        ("/a//b", "empty name"),
        ("/a/../b", "are no names"),
        ("/a/./b", "are no names"),
        ("/a/\\x2e\\x2e", "are no names"),
        ("/a**", "stands alone"),
        ("/a/**/**", "write one"),
        ("/a/[bc]", "no wildcard here"),
        ("/a/b?", "write \\?"),
        ("/a/{b,c}", "no wildcard here"),
        ("/a/\\n", "after `\\` comes"),
        ("/a/\\x00", "other than 00"),
        ("/a/\\x2F", "other than 00 and 2F"),
        ("/a/\u{202e}b", "written \\xE2\\x80\\xAE"),
        ("/a ", "\\x20"),
        ("/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", "more than 16 stars"),
    ] {
        let problem = PathGlob::parse(text).unwrap_err();
        assert!(problem.contains(told), "{text}: {problem}");
    }
}

#[test]
fn the_way_to_what_is_named_is_known() {
    let logs = glob("/var/log/**");
    for text in ["/", "/var", "/var/log", "/var/log/a"] {
        assert!(logs.leads_through(&path(text)), "{text}");
    }
    for text in ["/etc", "/var/lib", "/var/logs"] {
        assert!(!logs.leads_through(&path(text)), "{text}");
    }
    assert!(!glob("/a/b").leads_through(&path("/a/b")));
    assert!(glob("/srv/*/in").leads_through(&path("/srv/x")));
    assert!(logs.names_all_in(&path("/var/log")) && logs.names_all_in(&path("/var/log/a")));
    assert!(glob("/a/*").names_all_in(&path("/a")) && !glob("/a/*").names_all_in(&path("/a/b")));
    assert!(!glob("/a/*.log").names_all_in(&path("/a")) && !logs.names_all_in(&path("/var")));
    assert!(glob("/a/**/*").names_all_in(&path("/a")));
}

#[test]
fn one_includes_another_or_it_is_a_no() {
    for (wide, narrow, is) in [
        ("/a/**", "/a/b", true),
        ("/a/**", "/a/*", true),
        ("/a/**", "/a/**", true),
        ("/a/**", "/a/b/**", true),
        ("/a/**", "/a/**/b", true),
        ("/a/**", "/a", false),
        ("/a/*", "/a/**", false),
        ("/a/*", "/a/*.log", true),
        ("/a/*.log", "/a/*", false),
        ("/a/x*", "/a/x*y", true),
        ("/a/*y", "/a/x*y", true),
        ("/a/x*y", "/a/x*", false),
        ("/**", "/", false),
        ("/**/b", "/a/**/b", true),
        ("/a/**/b", "/**/b", false),
        ("/a/b", "/a/b", true),
        ("/", "/", true),
    ] {
        assert_eq!(glob(wide).includes(&glob(narrow)), is, "{wide} {narrow}");
    }
    let common = |one: &str, two: &str| glob(one).common(&glob(two)).map(|glob| glob.to_string());
    assert_eq!(common("/a/**", "/a/b/*"), Some("/a/b/*".to_owned()));
    assert_eq!(common("/a/*/x", "/a/b/*"), Some("/a/b/x".to_owned()));
    assert_eq!(common("/a/*x", "/a/y*"), None);
    assert_eq!(common("/a/**", "/b/**"), None);
}

/// Small alphabets, so that patterns and paths meet.
fn pattern() -> impl Strategy<Value = String> {
    let component = prop_oneof![3 => "[ab]", 3 => "a?\\*b?", 2 => Just("**".to_owned())];
    proptest::collection::vec(component, 1..5).prop_map(|parts| format!("/{}", parts.join("/")))
}

fn some_path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]{1,2}", 0..5).prop_map(|parts| format!("/{}", parts.join("/")))
}

/// The same, said by a regular expression's words and nothing shared with the code.
fn naive(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**"], path) => !path.is_empty(),
        (["**", rest @ ..], path) => (0..=path.len()).any(|skipped| naive(rest, &path[skipped..])),
        ([first, rest @ ..], [name, path @ ..]) => {
            naive_name(first.as_bytes(), name.as_bytes()) && naive(rest, path)
        }
        _ => false,
    }
}

fn naive_name(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], name) => (0..=name.len()).any(|at| naive_name(rest, &name[at..])),
        ([one, rest @ ..], [two, name @ ..]) => one == two && naive_name(rest, name),
        _ => false,
    }
}

proptest! {
    #[test]
    fn it_matches_as_the_naive_model_does(text in pattern(), at in some_path()) {
        if let Ok(glob) = PathGlob::parse(&text) {
            let parts: Vec<&str> = text.split('/').skip(1).collect();
            let names: Vec<&str> = at.split('/').filter(|part| !part.is_empty()).collect();
            prop_assert_eq!(glob.matches(&path(&at)), naive(&parts, &names), "{} {}", text, at);
            prop_assert_eq!(PathGlob::parse(&glob.to_string()), Ok(glob));
        }
    }

    /// What includes or is common never names more.
    #[test]
    fn inclusion_and_what_is_common_err_on_the_side_of_no(one in pattern(), two in pattern(), at in some_path()) {
        if let (Ok(one), Ok(two)) = (PathGlob::parse(&one), PathGlob::parse(&two)) {
            let at = path(&at);
            if one.includes(&two) {
                prop_assert!(!two.matches(&at) || one.matches(&at));
            }
            if let Some(common) = one.common(&two) {
                prop_assert!(!common.matches(&at) || (one.matches(&at) && two.matches(&at)));
                prop_assert!(one.includes(&common) && two.includes(&common));
            }
            if one.names_all_in(&at) {
                prop_assert!(one.matches(&at.join(b"anything at all").unwrap()));
            }
            if let Some(parent) = at.parent() && one.matches(&at) {
                prop_assert!(one.leads_through(&parent));
            }
        }
    }

    #[test]
    fn any_bytes_have_a_spelling_that_reads_back(name in proptest::collection::vec(1u8..=255, 1..20)) {
        if let Ok(path) = TargetPath::root().join(&name) {
            let glob = PathGlob::exactly(&path);
            prop_assert!(glob.matches(&path));
            prop_assert_eq!(PathGlob::parse(&glob.to_string()), Ok(glob));
        }
    }
}
