-- Versions of states and entries are never used again under the same name: what is made anew begins above all that were
-- deleted. `meta` has the highest version among those, of states and of entries.

INSERT INTO meta (name, value) VALUES ('state_floor', 0), ('entry_floor', 0);

CREATE TRIGGER states_floor AFTER DELETE ON states BEGIN
    UPDATE meta SET value = OLD.version WHERE name = 'state_floor' AND value < OLD.version;
END;
CREATE TRIGGER entries_floor AFTER DELETE ON entries BEGIN
    UPDATE meta SET value = OLD.version WHERE name = 'entry_floor' AND value < OLD.version;
END;
