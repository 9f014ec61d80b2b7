/**
 * The schema of the sealed store, one step an entry, never changed once released. `{schema}` is the configured name.
 * Columns that make an address are in byte order, whatever the database's default is: a scan follows the index.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Which sealed store this is: it moves with a dump, and another one has another.
  CREATE TABLE {schema}.identity (id uuid NOT NULL DEFAULT gen_random_uuid());
  INSERT INTO {schema}.identity DEFAULT VALUES;

  CREATE TABLE {schema}.secret (
    integration text COLLATE "C" NOT NULL,
    customer    text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    -- Only ever grows, over deletes too: this is the fence.
    version     bigint NOT NULL,
    deleted     boolean NOT NULL,
    id          uuid NOT NULL,
    PRIMARY KEY (integration, customer, name)
  );

  CREATE TABLE {schema}.version (
    integration text COLLATE "C" NOT NULL,
    customer    text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    id          uuid NOT NULL UNIQUE,
    -- All null in a tombstone.
    key_version integer,
    nonce       bytea,
    ciphertext  bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (integration, customer, name, version),
    CHECK (num_nulls(key_version, nonce, ciphertext) IN (0, 3))
  );

  CREATE TABLE {schema}.data_key (
    customer    text COLLATE "C" NOT NULL,
    key_version integer NOT NULL,
    -- Null: destroyed, and with it every value of this customer.
    wrapped     bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (customer, key_version)
  );
  `,
  `
  CREATE TABLE {schema}.customer (
    customer   text COLLATE "C" PRIMARY KEY,
    -- 'making': a first key is on its way; only then may a write make one. Never goes back to it.
    state      text NOT NULL CHECK (state IN ('making', 'active', 'revoked', 'destroyed')),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  INSERT INTO {schema}.customer (customer, state)
  SELECT customer, CASE WHEN bool_and(wrapped IS NULL) THEN 'destroyed' ELSE 'active' END
  FROM {schema}.data_key GROUP BY customer;
  `,
]

export const SCHEMA_VERSION = MIGRATIONS.length
