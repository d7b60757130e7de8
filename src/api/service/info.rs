//! `GET /services/{name}`

use futures_util::{StreamExt, stream};

use super::{list, view::InstanceWithInfo};
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    service::{Instance, Service, broker::Broker},
    store::Filter,
};

/// Brokers are asked about so many instances at once.
const AT_ONCE: usize = 8;

/// The instances of a service that the caller may read, with what the broker tells about each.
pub async fn info(call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    let filter = list::readable_instances(&call)?.and(Filter::eq("service_name", &service.name));
    let instances = call.ctx.store.of::<Instance>().find(filter).await?;
    let told = stream::iter(instances).map(|instance| async {
        let broker = Broker::in_pool(&call.ctx, &service, &instance.pool).await;
        let info = match broker {
            Ok(broker) => broker.info(&instance.name).await.ok(),
            Err(_) => None,
        };
        InstanceWithInfo::new(instance, info)
    });
    let all: Vec<InstanceWithInfo> = told.buffered(AT_ONCE).collect().await;
    let body = serde_json::to_string(&(!all.is_empty()).then_some(all)).map_err(Error::internal)?;
    answer::text(body + "\n")
}
