-- Names become rows, in the same transaction as the checkpoint that says how far the scan has come (I8).

-- p: array of {customer, name, version, refused} seen on `side`; refused: the edge could not address it. A row that begin
-- made is updated, too: new holds something there. Null: the integration is not enrolled (any more), nothing was done.
create function crossfade.inventory(integration text, side text, p jsonb, at json) returns integer language plpgsql volatile as $$
declare
  made integer;
  state text;
begin
  -- Shared: no row may appear after a change of state that dropped them all.
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  select i.state into state from crossfade.integration i where i.name = inventory.integration;
  if state is distinct from 'enrolled' then return null; end if;
  with seen as (
    select distinct on (1, 2) (e ->> 'customer') collate "C" as customer, (e ->> 'name') collate "C" as name,
           e ->> 'version' as version, coalesce((e ->> 'refused')::boolean, false) as refused
      from jsonb_array_elements(p) e order by 1, 2, 4
  ), done as (
    insert into crossfade.secret as s
        (integration, customer, name, fresh, first, blank, gone, legacy_version, new_version, quarantine)
    select inventory.integration, seen.customer, seen.name, 'legacy', 'legacy', side = 'legacy', false,
           case side when 'legacy' then seen.version end, case side when 'new' then seen.version end,
           case when seen.refused then 'not-addressable' end
      from seen order by seen.customer, seen.name
    on conflict on constraint secret_pkey do update set blank = false
      where side = 'new' and s.blank
    returning (xmax = 0) as inserted
  )
  select count(*) filter (where inserted) into made from done;
  if at is not null then
    insert into crossfade.checkpoint (integration, stage, position) values (inventory.integration, 'inventory-' || side, at)
      on conflict on constraint checkpoint_pkey do update set position = excluded.position, at = clock_timestamp();
  end if;
  return made;
end $$;

-- The mark: every name on either side has a row from here on. False: the integration is not enrolled (any more).
create function crossfade.mark_inventoried(integration text) returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  update crossfade.integration i set inventoried = true, epoch = i.epoch + 1, changed_at = clock_timestamp()
    where i.name = mark_inventoried.integration and i.state = 'enrolled' and not i.inventoried;
  return exists (select from crossfade.integration i where i.name = mark_inventoried.integration and i.inventoried);
end $$;
