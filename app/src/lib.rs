//! What people see: pages, islands and actions, rendered on the server and woken in the browser.
//! It knows no SQL, no engine, no search index and no HTTP framework: all it asks goes through [`portal`].

pub mod portal;
