#![forbid(unsafe_code)]
//! Result folders: Parquet tables, charts, HTML and terminal tables from run records.
