//! Fills a server, and says what each change took.

use std::{ops::Range, time::Instant};

use crate::{
    Result,
    client::{Connection, millis},
};

const VARIABLES: usize = 200;

/// Makes apps of these numbers; `more` says what they are besides.
pub fn create(connection: &mut Connection, token: &str, numbers: Range<usize>, more: &str) -> Result<()> {
    let (begun, (first, end)) = (Instant::now(), (numbers.start, numbers.end));
    for number in numbers {
        let form = format!("name=app-{number}&teamOwner=demo&{more}");
        let (status, body) = connection.ask("POST", "/1.0/apps", token, &form)?;
        if status != 201 {
            return Err(format!("app {number} was not created: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    println!(
        "app create                   {:6.2} ms each, one after the other, up to {end} of them",
        millis(begun.elapsed()) / (end - first) as f64
    );
    Ok(())
}

/// Changes one variable of an app again and again.
pub fn set_variables(connection: &mut Connection, token: &str) -> Result<()> {
    let begun = Instant::now();
    for number in 0..VARIABLES {
        let form = format!("Envs.0.Name=A&Envs.0.Value={number}&NoRestart=true");
        let (status, body) = connection.ask("POST", "/1.0/apps/app-1/env", token, &form)?;
        if status != 200 {
            return Err(format!("a variable was not set: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    println!("env set                      {:6.2} ms each, one after the other", millis(begun.elapsed()) / VARIABLES as f64);
    Ok(())
}
