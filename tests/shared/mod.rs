//! A database that tsuru's server wrote, used by ours without taking it over, and then sealed. `database.json` is what it kept at moments
//! of a recorded session: one event of each kind, and more of requests that held secrets.

mod events;
mod fixture;
mod seal;
mod use_together;
