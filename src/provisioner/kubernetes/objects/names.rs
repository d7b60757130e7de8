//! Names of objects, as tsuru's server gives them.

use sha2::{Digest, Sha256};

/// The longest name of an object of a process: Kubernetes adds to it for replica sets and pods, and wants no label above 63.
const LONGEST: usize = 55;
/// The longest name of an object.
const LONGEST_ROUTE: usize = 253;

/// A name as Kubernetes takes it.
pub fn kube_name(name: &str) -> String {
    let valid = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(valid).collect()
}

/// Objects of a process whatever its version: the base deployment, its service, autoscale, disruption budget.
pub fn base(app: &str, process: &str) -> String {
    joined(app, &kube_name(process))
}

/// Objects of a process of one version.
pub fn versioned(app: &str, process: &str, version: u32) -> String {
    joined(app, &format!("{}-v{version}", kube_name(process)))
}

/// The service that names each unit of a process.
pub fn headless(app: &str, process: &str) -> String {
    joined(app, &format!("{}-units", kube_name(process)))
}

/// `app-second`; where that is too long, a digest in the second's place.
fn joined(app: &str, second: &str) -> String {
    let app = kube_name(app);
    let whole = format!("{app}-{second}");
    if whole.len() <= LONGEST {
        return whole;
    }
    let room = LONGEST.saturating_sub(app.len() + 1);
    let digest: String = hex::encode(Sha256::digest(second)).chars().take(room).collect();
    format!("{app}-{digest}")
}

/// The service account of an app.
pub fn account(app: &str) -> String {
    format!("app-{}", kube_name(app))
}

/// The secret with a deployment's private variables.
pub fn secret(deployment: &str) -> String {
    format!("tsuru-app-{deployment}")
}

/// The pod of a command that runs beside the units; `which` tells it from others of the app.
pub fn isolated(app: &str, which: &str) -> String {
    format!("{}-isolated-run-{which}", kube_name(app))
}

/// The service account of a job.
pub fn job_account(job: &str) -> String {
    format!("job-{}", kube_name(job))
}

/// The secret with a job's private variables.
pub fn job_secret(job: &str) -> String {
    format!("tsuru-job-{job}")
}

/// The cron job: a changed schedule makes another one.
pub fn cron_job(job: &str, schedule: &str) -> String {
    let digest: String = hex::encode(Sha256::digest(schedule)).chars().take(8).collect();
    format!("{job}-{digest}")
}

/// A run that somebody asked for, at a time in seconds: one a minute.
pub fn manual_run(job: &str, seconds: i64) -> String {
    format!("{job}-manual-job-{}", seconds / 60)
}

/// A volume, in the cluster and in a pod.
pub fn volume(volume: &str) -> String {
    format!("{volume}-tsuru")
}

/// The claim on a volume.
pub fn claim(volume: &str) -> String {
    format!("{volume}-tsuru-claim")
}

/// The ingress of an app's own host name.
pub fn ingress(app: &str, instance: &str) -> String {
    routed(format!("kubernetes-router-{app}-ingress"), instance)
}

/// The ingress of another host name of an app.
pub fn cname_ingress(cname: &str, instance: &str) -> String {
    routed(format!("kubernetes-router-cname-{cname}"), instance)
}

/// The certificate of one of an app's host names.
pub fn certificate(app: &str, host: &str, instance: &str) -> String {
    routed(format!("kr-{app}-{host}"), instance)
}

/// The route of an app's own host name, or of the one with this prefix.
pub fn http_route(app: &str, prefix: &str, instance: &str) -> String {
    let dash = if prefix.is_empty() { "" } else { "-" };
    routed(format!("kube-router-{app}{dash}{prefix}"), instance)
}

/// The route of another host name of an app.
pub fn cname_http_route(app: &str, cname: &str, instance: &str) -> String {
    routed(format!("kube-router-{app}-{cname}-cname"), instance)
}

/// Where a gateway takes requests to host names of an app that have certificates.
pub fn listeners(app: &str, instance: &str) -> String {
    routed(format!("kube-router-{app}"), instance)
}

/// The certificate of one of an app's host names at a gateway.
pub fn gateway_certificate(app: &str, host: &str, instance: &str) -> String {
    routed(format!("kube-router-{app}-{host}-tls"), instance)
}

/// `name-instance`; where that is too long, it ends in a digest. A host name's `*` is a word.
fn routed(name: String, instance: &str) -> String {
    let dash = if instance.is_empty() { "" } else { "-" };
    let whole = format!("{name}{dash}{instance}").replace('*', "wildcard");
    if whole.len() <= LONGEST_ROUTE {
        return whole;
    }
    let digest: String = hex::encode(Sha256::digest(&whole)).chars().take(16).collect();
    let begin: String = whole.chars().take(LONGEST_ROUTE - 17).collect();
    format!("{begin}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_with_dashes_and_dots() {
        assert_eq!(kube_name("My_app.x"), "my-app.x");
        assert_eq!(base("blog", "web_1"), "blog-web-1");
        assert_eq!(versioned("blog", "web", 3), "blog-web-v3");
        assert_eq!(headless("blog", "web"), "blog-web-units");
    }

    #[test]
    fn long_names_end_in_a_digest_of_process_and_version() {
        let app = "a".repeat(40);
        assert_eq!(base(&app, "fourteen-chars"), format!("{app}-fourteen-chars"));
        assert_eq!(base(&app, "fifteen-letters"), format!("{app}-{}", &hex::encode(Sha256::digest("fifteen-letters"))[..14]));
        assert_eq!(versioned(&app, "fourteen-chars", 1), format!("{app}-{}", &hex::encode(Sha256::digest("fourteen-chars-v1"))[..14]));
        assert_eq!(versioned(&app, "fourteen-chars", 1).len(), 55);
    }

    #[test]
    fn names_of_routes_are_those_of_tsurus_router_and_never_too_long() {
        assert_eq!(ingress("blog", ""), "kubernetes-router-blog-ingress");
        assert_eq!(ingress("blog", "inner"), "kubernetes-router-blog-ingress-inner");
        assert_eq!(cname_ingress("*.example.com", ""), "kubernetes-router-cname-wildcard.example.com");
        assert_eq!(http_route("blog", "v2.version", ""), "kube-router-blog-v2.version");
        assert_eq!(cname_http_route("blog", "example.com", "i"), "kube-router-blog-example.com-cname-i");
        let (long, other) = (format!("{}.com", "a".repeat(249)), format!("{}.org", "a".repeat(249)));
        let whole = format!("kubernetes-router-cname-{long}");
        let digest = &hex::encode(Sha256::digest(&whole))[..16];
        assert_eq!(cname_ingress(&long, ""), format!("{}-{digest}", &whole[..236]));
        assert!(certificate("blog", &long, "").len() == 253 && certificate("blog", &long, "") != certificate("blog", &other, ""));
    }

    #[test]
    fn a_cron_job_is_named_by_its_schedule() {
        assert_eq!(cron_job("cleanup", "0 3 * * *"), "cleanup-51c662a2");
        assert_eq!(cron_job("once", "* * 31 2 *"), "once-ddbce80f");
        assert_eq!(manual_run("once", 1_795_218_360), "once-manual-job-29920306");
    }
}
