-- What verifies found is asked for by integration and time, also when it is resolved by now.
create index mismatch_found on crossfade.mismatch (integration, at);
