//! A database that tsuru's server wrote (`database.json`: what it kept at moments of a recorded session, one event of each kind), used by
//! ours without taking it over, and then sealed.

mod events;
mod fixture;
mod seal;
mod use_together;
