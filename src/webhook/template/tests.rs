use std::collections::BTreeMap;

use super::*;
use crate::clock::Time;

fn event() -> Value {
    let target = Value::fields("event.Target", vec![("Type", Value::text("app")), ("Value", Value::text("blog"))]);
    let kind = Value::fields("event.Kind", vec![("Type", Value::text("permission")), ("Name", Value::text("app.deploy"))]);
    let line = |text: &str| Value::fields("event.LogEntry", vec![("Message", Value::text(text))]);
    Value::fields(
        "*event.Event",
        vec![
            ("Target", target.printed_as("app(blog)".into())),
            ("Kind", kind.printed_as("app.deploy".into())),
            ("Error", Value::text("")),
            ("Running", Value::Bool(false)),
            ("StartTime", Value::Time(Time::from_millis(1_795_218_302_410))),
            ("Lines", Value::List(vec![line("one"), line("two"), line("three")])),
            ("Labels", Value::Map(BTreeMap::from([("a".into(), Value::Int(1)), ("b".into(), Value::Int(2))]))),
            ("Count", Value::Int(3)),
            ("Lock", Value::Nil),
        ],
    )
}

fn body(text: &str) -> Result<String, String> {
    Template::parse(text)?.render(&event())
}

#[track_caller]
fn gives(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(body(text).as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn fields_are_written_as_go_writes_them() {
    gives(&[
        ("{{.Kind.Name}} event for {{.Target.Type}} named {{.Target.Value}}", "app.deploy event for app named blog"),
        ("{{.Kind}} {{.Target}} {{ .Running }} {{.Count}} {{.Labels}}", "app.deploy app(blog) false 3 map[a:1 b:2]"),
        ("{{.Lines}} {{.Lock}} {{.Labels.b}} {{.Labels.none}}", "[{one} {two} {three}] <no value> 2 <no value>"),
        ("{{(index .Lines 1).Message}} {{$.Count}} {{.Kind.String}}", "two 3 app.deploy"),
        ("{\"text\": \"a } b\"} }}", "{\"text\": \"a } b\"} }}"),
    ]);
}

#[test]
fn times_are_written_in_gos_layouts() {
    gives(&[
        ("{{.StartTime}}", "2026-11-20 23:45:02.41 +0000 UTC"),
        (r#"{{.StartTime.Format "2006-01-02T15:04:05Z07:00"}}"#, "2026-11-20T23:45:02Z"),
        (r#"{{.StartTime.Format "Mon, 2 Jan 06 3:04PM"}}"#, "Fri, 20 Nov 26 11:45PM"),
        ("{{.StartTime.Unix}} {{.StartTime.IsZero}}", "1795218302 false"),
    ]);
}

#[test]
fn conditions_and_loops_run() {
    gives(&[
        ("{{if .Error}}failed{{else}}fine{{end}}", "fine"),
        ("{{if .Error}}a{{else if eq .Kind.Name \"app.deploy\" \"x\"}}b{{else}}c{{end}}", "b"),
        ("{{with .Target}}{{.Value}}{{end}}{{with .Error}}x{{else}}y{{end}}", "blogy"),
        ("{{range $i, $l := .Lines}}{{if $i}}, {{end}}{{$l.Message}}{{end}}", "one, two, three"),
        ("{{range .Lines}}{{if eq .Message \"two\"}}{{continue}}{{end}}{{.Message}};{{end}}", "one;three;"),
        ("{{range .Lines}}{{.Message}}{{break}}{{end}}{{range .Lock}}x{{else}}none{{end}}", "onenone"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 "),
        ("{{$n := \"\"}}{{range .Lines}}{{$n = .Message}}{{end}}{{$n}}", "three"),
        ("{{and .Count .Error}}|{{or .Error \"x\"}}|{{not .Running}}", "|x|true"),
    ]);
}

#[test]
fn functions_and_pipelines_work() {
    gives(&[
        (r#"{{printf "%s-%03d %q %v %5s|%-5s|" .Target.Value .Count "a\"b" .Running "x" "y"}}"#, r#"blog-003 "a\"b" false     x|y    |"#),
        (r#"{{.Target.Value | printf "%s %s" "hi" | len}}"#, "7"),
        (r#"{{html "<a&'>"}} {{js "a\"<"}} {{urlquery "a b&c"}}"#, r#"&lt;a&amp;&#39;&gt; a\"\u003C a+b%26c"#),
        ("{{len .Lines}} {{index .Labels \"a\"}} {{slice \"abcdef\" 1 3}}", "3 1 bc"),
        ("{{lt 1 2}} {{ge \"b\" \"a\"}} {{ne .Count 3}} {{eq 1 2 3 1}}", "true true false true"),
        ("{{print 1 2 \"x\" 3}} {{println \"a\" 1}}", "1 2x3 a 1\n"),
        ("{{printf \"%d %z\" \"x\" 1}} {{printf \"%s\"}}", "%!d(string=x) %!z(int=1) %!s(MISSING)"),
    ]);
}

#[test]
fn trim_markers_and_comments_leave_nothing_behind() {
    gives(&[
        ("a  {{- 1 -}}  b", "a1b"),
        ("a {{/* not seen */}} b{{- /* neither */ -}} c", "a  bc"),
        ("{{range .Lines -}}\n  {{.Message}}\n{{- end}}", "onetwothree"),
        ("{{- `raw \\n` -}}", "raw \\n"),
    ]);
}

#[track_caller]
fn fails(cases: &[(&str, &str)]) {
    for (text, why) in cases {
        let found = body(text).unwrap_err();
        assert!(found.contains(why), "{text}: {found}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    fails(&[
        ("ahoy {{ --", "bad number syntax"),
        ("{{", "unclosed action"),
        ("{{if .Error}}", "{{end}} is missing"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{else}}", "unexpected {{else}}"),
        ("{{}}", "missing value"),
        ("{{shout .Error}}", "function \"shout\" not defined"),
        ("{{define \"x\"}}{{end}}", "{{define}} is not supported"),
        ("{{$x}}", "undefined variable \"$x\""),
        ("{{break}}", "outside {{range}}"),
        ("{{\"a}}", "unterminated quoted string"),
        ("{{(1}}", "unclosed left paren"),
        ("{{1 2}}", "non-function"),
        ("\n\n{{nope}}", "line 3: "),
    ]);
    fails(&[
        ("{{.Nope}}", "line 1: can't evaluate field Nope in type *event.Event"),
        ("{{.Lock.Value}}", "nil pointer evaluating Value"),
        ("{{index .Lines 7}}", "index out of range: 7"),
        ("{{eq 1 \"a\"}}", "incompatible types"),
        ("{{range .Running}}{{end}}", "can't iterate"),
        ("{{len 3}}", "len of type int"),
    ]);
}

#[test]
fn endless_and_deep_templates_end() {
    fails(&[
        ("{{range 1000}}{{range 1000}}{{range 1000}}x{{end}}{{end}}{{end}}", "too long"),
        (&format!("{}1{}", "{{".to_owned() + &"(".repeat(60), ")".repeat(60) + "}}"), "too deep"),
        (&format!("{}{}", "{{if 1}}".repeat(60), "{{end}}".repeat(60)), "too deep"),
    ]);
}

mod arbitrary {
    use proptest::prelude::*;

    use super::{super::Template, event};

    proptest! {
        #[test]
        fn texts_never_panic(text in "(\\{\\{|\\}\\}|-| |if|end|else|range|with|\\.|\\$|x|:=|=|\\||\\(|\\)|\"|`|1|/\\*|\\*/|'|\\\\|é|Kind|Lines|index|printf){0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.render(&event());
            }
        }
    }
}
