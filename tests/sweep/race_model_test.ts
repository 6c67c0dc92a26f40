import { lawsOfRaces } from "../tasks/race_model.ts";

lawsOfRaces(1000, 150);
