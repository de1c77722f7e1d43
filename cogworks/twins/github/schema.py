"""The tables of the twin's SQLite file."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('id', 1000000);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE COLLATE NOCASE, kind TEXT NOT NULL,
    permission TEXT NOT NULL, token TEXT UNIQUE, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS token_grants (
    user_id INTEGER NOT NULL REFERENCES users, resource TEXT NOT NULL, level TEXT NOT NULL,
    PRIMARY KEY (user_id, resource));
CREATE TABLE IF NOT EXISTS repositories (
    id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES users, full_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    default_branch TEXT NOT NULL, last_number INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, pushed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS renames (
    old_name TEXT PRIMARY KEY COLLATE NOCASE, repo_id INTEGER NOT NULL REFERENCES repositories);
CREATE TABLE IF NOT EXISTS collaborators (
    repo_id INTEGER NOT NULL REFERENCES repositories, user_id INTEGER NOT NULL REFERENCES users,
    permission TEXT NOT NULL, PRIMARY KEY (repo_id, user_id));
CREATE TABLE IF NOT EXISTS branches (
    repo_id INTEGER NOT NULL REFERENCES repositories, name TEXT NOT NULL, sha TEXT NOT NULL,
    PRIMARY KEY (repo_id, name));
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repositories, name TEXT NOT NULL COLLATE NOCASE,
    color TEXT NOT NULL, description TEXT, UNIQUE (repo_id, name));
CREATE TABLE IF NOT EXISTS milestones (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repositories, number INTEGER NOT NULL,
    title TEXT NOT NULL, description TEXT, state TEXT NOT NULL, creator_id INTEGER NOT NULL REFERENCES users,
    due_on TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT, UNIQUE (repo_id, number));
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repositories, number INTEGER NOT NULL,
    title TEXT NOT NULL, body TEXT, state TEXT NOT NULL DEFAULT 'open', state_reason TEXT,
    author_id INTEGER NOT NULL REFERENCES users, milestone_id INTEGER REFERENCES milestones,
    locked INTEGER NOT NULL DEFAULT 0, lock_reason TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    closed_at TEXT, closed_by INTEGER REFERENCES users, is_pull INTEGER NOT NULL DEFAULT 0, UNIQUE (repo_id, number));
CREATE TABLE IF NOT EXISTS pulls (
    issue_id INTEGER PRIMARY KEY REFERENCES issues, id INTEGER NOT NULL UNIQUE, repo_id INTEGER NOT NULL,
    head_ref TEXT NOT NULL, head_sha TEXT NOT NULL, base_ref TEXT NOT NULL, base_sha TEXT NOT NULL,
    draft INTEGER NOT NULL DEFAULT 0, merged INTEGER NOT NULL DEFAULT 0, merged_at TEXT,
    merged_by INTEGER REFERENCES users, merge_commit_sha TEXT, brought_history INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS pulls_by_head ON pulls (repo_id, head_ref);
CREATE TABLE IF NOT EXISTS issue_labels (
    issue_id INTEGER NOT NULL REFERENCES issues, label_id INTEGER NOT NULL REFERENCES labels ON DELETE CASCADE,
    PRIMARY KEY (issue_id, label_id));
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repositories, issue_id INTEGER NOT NULL
    REFERENCES issues, author_id INTEGER NOT NULL REFERENCES users, body TEXT NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS comments_by_issue ON comments (issue_id);
CREATE TABLE IF NOT EXISTS reactions (
    id INTEGER PRIMARY KEY, comment_id INTEGER NOT NULL REFERENCES comments ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users, content TEXT NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (comment_id, user_id, content));
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repositories, issue_id INTEGER NOT NULL
    REFERENCES issues, actor_id INTEGER NOT NULL REFERENCES users, kind TEXT NOT NULL, commit_id TEXT,
    detail TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_issue ON events (issue_id);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY, issue_id INTEGER NOT NULL REFERENCES issues, author_id INTEGER NOT NULL REFERENCES users,
    state TEXT NOT NULL, body TEXT NOT NULL, commit_id TEXT NOT NULL, submitted_at TEXT);
CREATE INDEX IF NOT EXISTS reviews_by_issue ON reviews (issue_id);
CREATE TABLE IF NOT EXISTS review_comments (
    id INTEGER PRIMARY KEY, review_id INTEGER NOT NULL REFERENCES reviews, issue_id INTEGER NOT NULL
    REFERENCES issues, author_id INTEGER NOT NULL REFERENCES users, path TEXT NOT NULL, line INTEGER NOT NULL,
    side TEXT NOT NULL, start_line INTEGER, commit_id TEXT NOT NULL, diff_hunk TEXT NOT NULL, body TEXT NOT NULL,
    reply_to INTEGER, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS review_comments_by_issue ON review_comments (issue_id);
CREATE TABLE IF NOT EXISTS sub_issues (
    child_id INTEGER PRIMARY KEY REFERENCES issues, parent_id INTEGER NOT NULL REFERENCES issues,
    place INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sub_issues_by_parent ON sub_issues (parent_id);
CREATE TABLE IF NOT EXISTS dependencies (
    id INTEGER NOT NULL, blocked_id INTEGER NOT NULL REFERENCES issues, blocking_id INTEGER NOT NULL
    REFERENCES issues, PRIMARY KEY (blocked_id, blocking_id));
CREATE INDEX IF NOT EXISTS dependencies_by_blocking ON dependencies (blocking_id);
CREATE TABLE IF NOT EXISTS projects (id TEXT PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS project_items (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects, content_id TEXT NOT NULL,
    field_values TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, login TEXT, method TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, route TEXT NOT NULL, content_write INTEGER NOT NULL, conditional INTEGER NOT NULL,
    kind TEXT NOT NULL, violation TEXT);
"""
