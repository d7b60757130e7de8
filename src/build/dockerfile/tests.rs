use super::*;

fn named(text: &str) -> Vec<String> {
    images(text).unwrap().into_iter().collect()
}

fn refused(text: &str) -> String {
    images(text).unwrap_err().to_string()
}

#[test]
fn every_way_to_take_an_image_is_seen() {
    let text = "# syntax=docker/dockerfile:1\nFROM --platform=$BUILDPLATFORM r.io/t/a:v1 AS app-build\nCOPY --chown=1:1 --from=r.io/t/b /x /y\n\
                RUN --mount=type=cache,target=/x --mount=type=bind,from=r.io/t/c,target=/c make\nrun --mount=from=r.io/t/d,target=/d : \n\
                ONBUILD COPY --from=r.io/t/e@sha256:ab / /e\nFROM app-build as last\nCOPY --from=app-build / /\nCOPY --from=0 / /\nFROM scratch\n";
    assert_eq!(named(text), ["r.io/t/a:v1", "r.io/t/b", "r.io/t/c", "r.io/t/d", "r.io/t/e@sha256:ab"]);
    assert!(named("FROM golang:1.22 AS b\nCOPY --from=b / /\nRUN cp --from=r.io/t/x . && echo from=r.io/t/y").is_empty());
}

#[test]
fn variables_are_expanded() {
    let head = "ARG R=r.io/t A=\"app\" E=\nARG B=${A}-other \\\n # said between\n  C='$A'\nARG D\n";
    for (from, image) in [
        ("$R/$B:v1", "r.io/t/app-other:v1"),
        ("${R}/${B}", "r.io/t/app-other"),
        ("$R/${D:-x}-${E:-y}-${E-z}-${A:-w}", "r.io/t/x-y--app"),
        ("$R/${A:+is}${A+set}${D:+not}${E:+x}", "r.io/t/isset"),
        ("r.io/${A:-${B}}/$D", "r.io/app/"),
        ("r.io\"/t/$B\"'/x'", "r.io/t/app-other/x"),
        ("r.i\\o/\\t/x", "r.io/t/x"),
        ("$R/$C", "r.io/t/$A"),
        ("\u{feff}r.io/t/x", "r.io/t/x"),
    ] {
        assert!(named(&format!("{head}FROM {from}")).contains(&image.to_owned()), "{from}: {:?}", named(&format!("{head}FROM {from}")));
    }
    assert_eq!(named("FROM r.io/a\nARG X=z\nFROM r.io/b$X"), ["r.io/a", "r.io/b"], "an ARG of a stage is not a FROM's");
    assert_eq!(named("FROM base-${TARGETARCH}\nFROM python:$TARGETVARIANT"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_told_is_refused() {
    for image in ["r.io/${A%x}", "${A#x}", "r.io/${A/x/y}", "$TARGETPLATFORM", "x$tsuru_deploy_cache", "r.io/t/app-$TARGETARCH", "${A:?no}"]
    {
        let wrong = refused(&format!("FROM {image}"));
        assert!(wrong.ends_with(" of the Dockerfile cannot be told before it is built: write its name out"), "{wrong}");
    }
    assert!(refused("FROM x\nCOPY --from=$A/x / /").contains("\"$A/x\""));
    assert!(refused(&format!("FROM {}x", "${A:-".repeat(100_000))).contains("cannot be told"));
    let laughs: String = (1..60).map(|n| format!("ARG A{n}=$A{}$A{}\n", n - 1, n - 1)).collect();
    assert!(refused(&format!("ARG A0=x\n{laughs}FROM $A59")).contains("cannot be told"));
    assert_eq!(refused(&format!("FROM x\n{}", "RUN \\\n".repeat(50_000))), "the Dockerfile is too long");
}

#[test]
fn nothing_hides_an_instruction() {
    for text in [
        "FROM x\nRUN <<EOF\nEOF\nFROM r.io/t/a",
        "FROM x\nRUN <<\"E\\\\\"\nE\\\nFROM r.io/t/a",
        "FROM x\nRUN cat <<A <<B\nB\nA\nCOPY --from=r.io/t/a / /\nB",
        "# escape=`\nFROM x\nRUN dir c:\\\nFROM r.io/t/a",
        "# escape=`\nFROM `\n  r.io/t/a",
        "FR\\\nOM r.io/t\\\n# said between\n\n/a",
        "\u{feff}FROM\tr.io/t/a\r\n",
        "\\\nFROM r.io/t/a",
        "  \u{a0}from r.io/t/a",
        "FROM x\nCOPY --fr\"om=r.io\"/t/a / /",
        "FROM x\nCOPY --f\\rom='r.io/t/a' / /",
        "FROM x\nCOPY --chown='a b' --from=r.io/t/a / /",
        "FROM x\nCOPY --chown=\u{e0}--from=r.io/t/a / /",
        "FROM x\nRUN --mount=target=/x,\\\"FROM=r.io/t/a\\\" :",
        "FROM x\nONBUILD ONBUILD ADD --from=r.io/t/a / /",
        "FROM --platform=\"a b\" r.io/t/a AS b",
        "ARG --x='\\' A=r.io/t'\nARG A=r.io/t\nFROM $A/a",
    ] {
        assert!(named(text).contains(&"r.io/t/a".to_owned()), "{text:?}: {:?}", named(text));
    }
}

#[test]
fn only_dockers_own_program_reads_a_dockerfile() {
    for taken in [
        "docker/dockerfile:1",
        "docker/dockerfile",
        "docker.io/docker/dockerfile:1.7-labs",
        "docker/dockerfile:1.23.4",
        "docker/dockerfile:1 a",
    ] {
        assert!(images(&format!("# Syntax = {taken}\nFROM x")).is_ok(), "{taken}");
    }
    for (text, image) in [
        ("#syntax=r.io/t/app-other:v1", "r.io/t/app-other:v1"),
        ("# escape=`\n#check=skip=all\n# syntax = x/y z", "x/y"),
        ("#!/x\n// syntax=x/y", "x/y"),
        ("# syntax=docker/dockerfile:1\n# syntax=x/y", "x/y"),
        ("\u{feff}# syntax=docker/dockerfile:1.3", "docker/dockerfile:1.3"),
        ("# syntax=docker/dockerfile:1@sha256:ab", "docker/dockerfile:1@sha256:ab"),
        ("# syntax=r.io/docker/dockerfile:1", "r.io/docker/dockerfile:1"),
    ] {
        let wrong = format!("syntax {image:?} of the Dockerfile is not taken: leave it out, or say docker/dockerfile:1");
        assert_eq!(refused(&format!("{text}\nFROM x")), wrong);
    }
    assert_eq!(refused("#!/x\n {\"syntax\": \"x/y\"}"), "this is no Dockerfile");
    assert!(images("FROM x\n# syntax=x/y").is_ok() && images("# a word\n# syntax=x/y\nFROM x").is_ok());
}

mod arbitrary {
    use proptest::prelude::*;

    use super::images;

    const PIECES: &str = "(FROM|ARG|COPY|RUN|ONBUILD|--from=|--mount=|from=|A=| |\\n|\\\\|`|\"|'|\\$|\\{|\\}|:|-|\\+|,|#|syntax=|<<|A|r\\.io/t/a|é|\u{feff}|\r){0,30}";

    proptest! {
        #[test]
        fn texts_never_panic(text in PIECES, any in ".{0,50}") {
            let _ = images(&text);
            let _ = images(&format!("{text}{any}\n{text}"));
        }

        #[test]
        fn a_last_stage_is_always_seen(text in "(RUN|COPY|ARG|A=|r| |\n|\"|'|<<|EOF|#|\\|é){0,30}") {
            let found = images(&format!("FROM scratch\n{text}\nFROM r.io/t/a"));
            prop_assert!(found.is_err() || found.is_ok_and(|found| found.contains("r.io/t/a")));
        }
    }
}
