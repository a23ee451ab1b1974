// Accounts, sessions, keys, projects, settings and logs. Times are TIMESTAMP without zone and mean UTC.
#include "apps/store/migrations/steps.hpp"

namespace atrium::store {

const std::string_view step_001 = R"sql(
CREATE TABLE IF NOT EXISTS accounts (
  account_id UUID PRIMARY KEY,
  email_address VARCHAR(254) UNIQUE,
  password_hash VARCHAR(173),
  first_name VARCHAR(254),
  last_name VARCHAR(254),
  name VARCHAR(39),
  groups TEXT[],
  passports JSONB,
  ssh_keys JSONB,
  editor_settings JSONB,
  other_settings JSONB,
  profile JSONB,
  banned BOOLEAN,
  deleted BOOLEAN,
  unlisted BOOLEAN,
  created TIMESTAMP,
  created_by INET,
  last_active TIMESTAMP,
  ephemeral DOUBLE PRECISION,
  customize JSONB,
  email_address_verified JSONB,
  email_address_challenge JSONB,
  lti_id TEXT[],
  tags TEXT[],
  owner_id UUID
);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_name_idx ON accounts (LOWER(name));
CREATE INDEX IF NOT EXISTS accounts_created_idx ON accounts (created);
CREATE INDEX IF NOT EXISTS accounts_last_active_idx ON accounts (last_active);
CREATE INDEX IF NOT EXISTS accounts_first_name_idx ON accounts (LOWER(first_name) text_pattern_ops);
CREATE INDEX IF NOT EXISTS accounts_last_name_idx ON accounts (LOWER(last_name) text_pattern_ops);

CREATE TABLE IF NOT EXISTS remember_me (
  hash VARCHAR(127) PRIMARY KEY,
  account_id UUID,
  expire TIMESTAMP,
  value JSONB
);
CREATE INDEX IF NOT EXISTS remember_me_account_id_idx ON remember_me (account_id);
CREATE INDEX IF NOT EXISTS remember_me_expire_idx ON remember_me (expire);

CREATE TABLE IF NOT EXISTS api_keys (
  id SERIAL PRIMARY KEY,
  account_id UUID NOT NULL,
  project_id UUID,
  name VARCHAR(128),
  hash VARCHAR(173) NOT NULL,
  trunc VARCHAR(16),
  created TIMESTAMP,
  expire TIMESTAMP,
  last_active TIMESTAMP
);
CREATE INDEX IF NOT EXISTS api_keys_account_id_idx ON api_keys (account_id);
CREATE INDEX IF NOT EXISTS api_keys_project_id_idx ON api_keys (project_id) WHERE project_id IS NOT NULL;

-- Counts may be lost in a crash: the windows are short, and not logging them keeps guessing from writing the log full.
CREATE UNLOGGED TABLE IF NOT EXISTS auth_throttle (
  key TEXT PRIMARY KEY,
  times TIMESTAMP[] NOT NULL,
  allowed BOOLEAN NOT NULL,
  expire TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS auth_throttle_expire_idx ON auth_throttle (expire);

CREATE TABLE IF NOT EXISTS server_settings (
  name TEXT PRIMARY KEY,
  value TEXT,
  readonly BOOLEAN
);

CREATE TABLE IF NOT EXISTS projects (
  project_id UUID PRIMARY KEY,
  title TEXT,
  description TEXT,
  name VARCHAR(100),
  users JSONB,
  invite JSONB,
  invite_requests JSONB,
  deleted BOOLEAN,
  host JSONB,
  settings JSONB,
  run_quota JSONB,
  site_license JSONB,
  status JSONB,
  state JSONB,
  action_request JSONB,
  last_edited TIMESTAMP,
  last_started TIMESTAMP,
  last_active JSONB,
  created TIMESTAMP,
  secret_token VARCHAR(256),
  addons JSONB,
  env JSONB,
  compute_image TEXT,
  course JSONB,
  sandbox BOOLEAN,
  ephemeral DOUBLE PRECISION,
  lti_id TEXT[],
  avatar_image_tiny TEXT,
  avatar_image_full TEXT,
  color TEXT,
  manage_users_owner_only BOOLEAN
);
ALTER TABLE projects ADD COLUMN IF NOT EXISTS action_lease_owner TEXT;
ALTER TABLE projects ADD COLUMN IF NOT EXISTS action_lease_until TIMESTAMP;
ALTER TABLE projects ADD COLUMN IF NOT EXISTS action_fence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS projects_last_edited_idx ON projects (last_edited DESC NULLS LAST);
CREATE INDEX IF NOT EXISTS projects_created_idx ON projects (created);
CREATE INDEX IF NOT EXISTS projects_users_idx ON projects USING GIN (users);
CREATE INDEX IF NOT EXISTS projects_state_state_idx ON projects ((state->>'state'));
CREATE INDEX IF NOT EXISTS projects_state_null_idx ON projects ((state IS NULL)) WHERE state IS NULL;
CREATE INDEX IF NOT EXISTS projects_deleted_idx ON projects (deleted) WHERE deleted;
CREATE INDEX IF NOT EXISTS projects_action_pending_idx ON projects ((action_request->>'time'))
  WHERE action_request->>'action' IS NOT NULL AND action_request->>'finished' IS NULL;

CREATE TABLE IF NOT EXISTS project_log (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  "time" TIMESTAMP NOT NULL,
  account_id UUID,
  event JSONB
);
CREATE INDEX IF NOT EXISTS project_log_project_id_time_idx ON project_log (project_id, "time" DESC);

CREATE TABLE IF NOT EXISTS central_log (
  id UUID PRIMARY KEY,
  event TEXT,
  value JSONB,
  "time" TIMESTAMP,
  expire TIMESTAMP
);
CREATE INDEX IF NOT EXISTS central_log_time_idx ON central_log ("time");
CREATE INDEX IF NOT EXISTS central_log_expire_idx ON central_log (expire);

-- Whoever loses a project or a session must hear of it: that takes the row as it was, not only its key.
ALTER TABLE projects REPLICA IDENTITY FULL;
ALTER TABLE remember_me REPLICA IDENTITY FULL;
-- Password hashes and keys of accounts stay out of the change stream.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'atrium_changes') THEN
    CREATE PUBLICATION atrium_changes FOR TABLE projects, remember_me,
      accounts (account_id, email_address, first_name, last_name, groups, other_settings, banned, deleted, created, last_active);
  END IF;
END $$;
)sql";

}  // namespace atrium::store
