import { lawsOfRaces } from "./race_model.ts";

lawsOfRaces(1, 50);
