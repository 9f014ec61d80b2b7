-- Names become rows, in the same transaction as the checkpoint that says how far the scan has come (I8).

-- p: array of {customer, name, version} seen on `side`. A row that begin made is updated, too: new holds something there.
create function crossfade.inventory(integration text, side text, p jsonb, at jsonb) returns integer language plpgsql volatile as $$
declare
  made integer;
begin
  with seen as (
    select e ->> 'customer' as customer, e ->> 'name' as name, e ->> 'version' as version from jsonb_array_elements(p) e
  ), done as (
    insert into crossfade.secret as s (integration, customer, name, fresh, first, blank, gone, legacy_version, new_version)
    select inventory.integration, seen.customer, seen.name, 'legacy', 'legacy', side = 'legacy', false,
           case side when 'legacy' then seen.version end, case side when 'new' then seen.version end
      from seen order by seen.customer collate "C", seen.name collate "C"
    on conflict on constraint secret_pkey do update set blank = false
      where side = 'new' and s.blank
    returning (xmax = 0) as inserted
  )
  select count(*) filter (where inserted) into made from done;
  insert into crossfade.checkpoint (integration, stage, position) values (inventory.integration, 'inventory-' || side, at)
    on conflict on constraint checkpoint_pkey do update set position = excluded.position, at = clock_timestamp();
  return made;
end $$;

-- The mark: every name on either side has a row from here on.
create function crossfade.mark_inventoried(integration text) returns void language plpgsql volatile as $$
begin
  update crossfade.integration i set inventoried = true, epoch = i.epoch + 1, changed_at = clock_timestamp()
    where i.name = mark_inventoried.integration and not i.inventoried;
end $$;
