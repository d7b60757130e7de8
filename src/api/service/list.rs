//! `GET /services` for those who run services, `GET /services/instances` for those who use them.

use std::collections::BTreeMap;

use super::view::{InstanceView, ServiceView};
use crate::{
    api::{Answer, Call, answer},
    error::Result,
    permission::ContextType,
    service::{Instance, Service},
    store::{Filter, Find},
};

/// Services that the caller runs, each with all its instances.
pub async fn owned(call: Call) -> Answer {
    let services = call.ctx.store.of::<Service>().find(readable(&call, "owner_teams", None)?).await?;
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let tagged = tagged(&call).and(Filter::any_of("service_name", names));
    let instances = call.ctx.store.of::<Instance>().find(tagged).await?;
    let view = |service: Service| {
        let own: Vec<Instance> = instances.iter().filter(|instance| instance.service_name == service.name).cloned().collect();
        let names = own.iter().map(|instance| instance.name.clone()).collect();
        let some = !own.is_empty();
        ServiceView {
            service: service.name,
            instances: some.then_some(names),
            plans: None,
            service_instances: some.then(|| own.into_iter().map(InstanceView::outside).collect()),
        }
    };
    answer::json_list(&services.into_iter().map(view).collect::<Vec<_>>())
}

/// Services that the caller may use, each with the instances that the caller may read.
pub async fn usable(call: Call) -> Answer {
    let open = Filter::eq("is_restricted", false);
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    let services = call.ctx.store.of::<Service>().find_with(readable(&call, "teams", Some(open))?, by_name).await?;
    let empty = |service: Service| {
        let view = ServiceView { service: service.name.clone(), instances: Some(Vec::new()), plans: None, service_instances: None };
        (service.name, view)
    };
    let mut views: BTreeMap<String, ServiceView> = services.into_iter().map(empty).collect();
    let app = call.query.get("app").filter(|app| !app.is_empty()).map_or(Filter::All, |app| Filter::eq("apps", app));
    let filter = readable_instances(&call)?.and(app).and(tagged(&call));
    for instance in call.ctx.store.of::<Instance>().find(filter).await? {
        let Some(view) = views.get_mut(&instance.service_name) else { continue };
        view.instances.get_or_insert_default().push(instance.name.clone());
        view.plans.get_or_insert_default().push(instance.plan.clone());
        view.service_instances.get_or_insert_default().push(instance.into());
    }
    answer::json_list(&views.into_values().collect::<Vec<_>>())
}

fn tagged(call: &Call) -> Filter {
    let tags: Vec<&str> = call.query.all("tag").collect();
    if tags.is_empty() { Filter::All } else { Filter::has_all("tags", tags) }
}

/// Services in the contexts of `service.read`: by name, or by a list of teams; and those that are open anyway.
fn readable(call: &Call, teams: &str, open: Option<Filter>) -> Result<Filter> {
    let grants = &call.caller()?.grants;
    let (Some(of_teams), Some(names)) =
        (grants.names("service.read", ContextType::Team), grants.names("service.read", ContextType::Service))
    else {
        return Ok(Filter::All);
    };
    let any = [Filter::any_of(teams, of_teams), Filter::any_of("_id", names)];
    Ok(Filter::Or(any.into_iter().chain(open).collect()))
}

/// Instances in the contexts of `service-instance.read`.
pub fn readable_instances(call: &Call) -> Result<Filter> {
    let grants = &call.caller()?.grants;
    let teams = grants.names("service-instance.read", ContextType::Team);
    let (Some(teams), Some(own)) = (teams, grants.names("service-instance.read", ContextType::ServiceInstance)) else {
        return Ok(Filter::All);
    };
    let named = own.iter().filter_map(|value| value.split_once('/'));
    let named = named.map(|(service, name)| crate::service::instance::named(service, name));
    Ok(Filter::Or(std::iter::once(Filter::any_of("teams", teams)).chain(named).collect()))
}
